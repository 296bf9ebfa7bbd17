import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title =
  'other pages: not found, sign in again in place, shortcuts, rename and delete, stop and open, sign out';

const NOBODYS = '00000000-0000-4000-8000-000000000000';

export async function run({ page, watch, url, browser }) {
  watch.allowed.push(/status of 404/);
  await page.goto(`${url}/nowhere/`);
  await page.getByText('There is nothing here').waitFor();
  await checkAccessibility(page, 'the 404 page');
  await screenshot(page, '50-not-found');
  await page.goto(`${url}/`);

  const username = await user.register(page);
  await page.goto(`${url}/s/${NOBODYS}/`);
  await page.getByText('There is no such session').waitFor();
  await page.getByRole('link', { name: 'To your sessions' }).click();

  await user.createSession(page, 'Pages');
  await user.terminalReady(page);
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await checkAccessibility(page, 'the shortcut help');
  await screenshot(page, '51-shortcuts');
  await page.getByRole('button', { name: 'Done' }).click();

  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('menuitem', { name: 'Stop' }).click();
  await page
    .getByText(/^Stopped/)
    .first()
    .waitFor();
  await page.getByRole('region', { name: 'Terminals' }).getByRole('button', { name: 'Open' }).waitFor();
  await screenshot(page, '52-stopped');
  await checkAccessibility(page, 'the stopped workspace');
  await page.getByRole('region', { name: 'Terminals' }).getByRole('button', { name: 'Open' }).click();
  await user.terminalReady(page);

  // The login ends elsewhere: the same page asks for it and comes back.
  await browser.context.clearCookies();
  await page.reload();
  await page.getByLabel('Username or e-mail').fill(username);
  await page.getByLabel('Password').fill(user.PASSWORD);
  await page.locator('form').getByRole('button', { name: 'Sign in' }).click();
  await user.waitForTerminal(page, /[$#] ?$/m);

  await page.getByRole('link', { name: 'To your sessions' }).click();
  await page.getByRole('button', { name: 'Actions for Pages' }).click();
  await page.getByRole('menuitem', { name: 'Rename…' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Renamed');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await page.getByRole('link', { name: 'Renamed' }).waitFor();
  await page.getByRole('button', { name: 'Actions for Renamed' }).click();
  await screenshot(page, '53-session-menu');
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete session' }).click();
  await page.getByText('No sessions yet').waitFor();

  await user.createSession(page, 'Drafts');
  await user.terminalReady(page);
  await user.createFile(page, 'secret.txt');
  await page.route('**/files/**', (route) =>
    route.request().method() === 'PUT' ? route.abort() : route.continue(),
  );
  watch.allowed.push(/net::ERR_FAILED/);
  await user.typeCode(page, 'not for the next user of this computer\n');
  await page.locator('[data-save="retrying"]').waitFor();
  assert.equal(await drafts(page), 1, 'what could not be saved is kept in the browser');
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  const question = page.getByRole('alertdialog', { name: 'Sign out without saving?' });
  await question.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to Carrel' }).waitFor();
  const end = Date.now() + 5_000;
  while ((await drafts(page)) > 0) assert.ok(Date.now() < end, 'a draft is left after signing out');
}

/** How many drafts the browser keeps. */
function drafts(page) {
  return page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const open = indexedDB.open('carrel-drafts', 1);
        open.onerror = () => reject(open.error);
        open.onsuccess = () => {
          const count = open.result.transaction('drafts').objectStore('drafts').count();
          count.onsuccess = () => {
            open.result.close();
            resolve(count.result);
          };
          count.onerror = () => reject(count.error);
        };
      }),
  );
}
