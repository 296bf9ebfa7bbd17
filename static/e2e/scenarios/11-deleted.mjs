import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title =
  'delete and undelete: asked first, kept for days, back with its files; a session elsewhere';

export async function run({ page, watch, url }) {
  watch.allowed.push(/status of 404/, /status of 409/, /WebSocket connection to/);
  await user.register(page);
  const id = await user.createSession(page, 'Precious');
  await user.terminalReady(page);
  await user.putFile(page, id, 'kept.txt', 'still here\n');
  await user.treeItem(page, 'kept.txt').waitFor();

  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('menuitem', { name: 'Delete session…' }).click();
  const question = page.getByRole('alertdialog', { name: 'Delete “Precious”?' });
  await question.getByText(/can be undone for/).waitFor();
  await screenshot(page, '73-delete');
  await checkAccessibility(page, 'the question before deleting');
  await question.getByRole('button', { name: 'Delete session' }).click();
  await page.getByText('No sessions yet').waitFor();
  await page.getByText(/“Precious” was deleted\. It can be had back until/).waitFor();
  await screenshot(page, '74-deleted');

  await page.getByRole('button', { name: /^Recently deleted/ }).click();
  await page.getByText(/gone for good in 6 d/).waitFor();
  await screenshot(page, '75-recently-deleted');
  await checkAccessibility(page, 'the deleted sessions');

  await page.goto(`${url}/s/${id}/`);
  await page.getByText('“Precious” was deleted').waitFor();
  await screenshot(page, '76-deleted-page');
  await page.goto(`${url}/`);
  await page.getByRole('button', { name: /^Recently deleted/ }).click();
  await page.getByRole('button', { name: 'Undelete Precious' }).click();
  await page.getByText('“Precious” is back, with its files.').waitFor();
  const row = page.getByRole('listitem').filter({ has: page.getByRole('link', { name: 'Precious' }) });
  await row.getByText('Stopped', { exact: true }).waitFor();
  await row.getByRole('link').click();
  await user.terminalReady(page);
  await user.command(page, 'cat kept.txt');
  await user.waitForTerminal(page, /^still here$/m);

  // Another server has it: said with its address, which is followed only if it is one.
  const answer = (serverUrl) => ({
    status: 409,
    contentType: 'application/problem+json',
    body: JSON.stringify({
      type: 'about:blank',
      title: 'The session runs on another server',
      status: 409,
      code: 'session_elsewhere',
      detail: `this session runs on ${serverUrl}`,
      server_url: serverUrl,
    }),
  });
  let serverUrl = 'https://two.example.org';
  await page.route(`**/api/v1/sessions/${id}`, (route) => route.fulfill(answer(serverUrl)));
  await page.reload();
  await page.getByText('This session runs on two.example.org').waitFor();
  const link = page.getByRole('link', { name: 'Open it there' });
  assert.equal(await link.getAttribute('href'), `https://two.example.org/s/${id}/`);
  await screenshot(page, '77-elsewhere');
  await checkAccessibility(page, 'a session elsewhere');
  serverUrl = 'javascript:alert(1)';
  await page.getByRole('button', { name: 'Try again here' }).click();
  await page.getByText(/cannot be followed/).waitFor();
  assert.equal(await link.count(), 0);
  await page.unroute(`**/api/v1/sessions/${id}`);
  await page.getByRole('button', { name: 'Try again here' }).click();
  await user.terminalReady(page);
}
