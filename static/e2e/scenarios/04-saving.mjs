import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'saving: autosave, conflict between two tabs, drafts after a crash, binary files';

export async function run({ page, watch, browser, url }) {
  watch.allowed.push(/status of 412/);
  await user.register(page);
  const id = await user.createSession(page, 'Saving');
  await user.terminalReady(page);

  await user.createFile(page, 'a.py');
  await user.typeCode(page, 'print("autosaved")\n');
  await page.locator('[data-save="dirty"]').waitFor();
  await page.locator('[data-save="saved"]').waitFor({ timeout: 10_000 });
  await user.command(page, 'clear; cat a.py');
  await user.waitForTerminal(page, /^print\("autosaved"\)$/m);

  // Another program writes while there are unsaved edits: nothing is overwritten unasked.
  await user.typeCode(page, 'mine = 1\n');
  const theirs = await page.evaluate(async (session) => {
    const response = await fetch(`/api/v1/sessions/${session}/files/a.py`, {
      method: 'PUT',
      body: 'theirs = 2\n',
    });
    return response.status;
  }, id);
  assert.equal(theirs, 200);
  await page.keyboard.press('Control+S');
  await page.getByRole('alertdialog', { name: /was changed by somebody else/ }).waitFor();
  await screenshot(page, '30-conflict');
  await checkAccessibility(page, 'the conflict dialog');
  await page.getByRole('button', { name: 'Keep both' }).click();
  await page.locator('.view-line', { hasText: 'theirs = 2' }).waitFor();
  const copy = page.getByRole('treeitem', { name: /^a \(mine / });
  await copy.waitFor();
  await copy.click();
  await page.locator('.view-line', { hasText: 'mine = 1' }).waitFor();

  // A crash of the page: what the server never got comes back.
  await user.treeItem(page, 'a.py').click();
  await page.locator('.view-line', { hasText: 'theirs = 2' }).waitFor();
  watch.allowed.push(/net::ERR_FAILED/);
  await page.route('**/files/**', (route) =>
    route.request().method() === 'PUT' ? route.abort() : route.continue(),
  );
  await user.typeCode(page, 'unsaved = 3\n');
  await page.locator('[data-save="retrying"]').waitFor();
  await screenshot(page, '31-not-saved');
  await page.close({ runBeforeUnload: false });

  const again = await browser.context.newPage();
  try {
    await again.goto(`${url}/s/${id}/`);
    await again.getByText(/Unsaved changes from .* were restored/).waitFor();
    await again.locator('.view-line', { hasText: 'unsaved = 3' }).waitFor();
    // It waits for the user, who may not want it.
    await again.locator('[data-save="dirty"]').waitFor();
    await again.getByRole('button', { name: 'Keep' }).click();
    await again.locator('[data-save="saved"]').waitFor();
    await user.waitForTerminal(again, /[$#] ?$/m);
    await user.command(again, 'clear; cat a.py; head -c 100 /dev/urandom > b.bin');
    await user.waitForTerminal(again, /^unsaved = 3$/m);
    await user.treeItem(again, 'b.bin').click();
    await again.getByRole('link', { name: 'Download', exact: true }).waitFor();
    await screenshot(again, '32-binary');
  } finally {
    await again.close();
  }
}
