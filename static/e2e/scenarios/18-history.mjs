import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title =
  'history: versions compared, yesterday’s brought back and that undone, everything as it was';

/** It moves yesterday's work there, in the server's own database. */
export const needsControl = true;

/** Takes back what a notice tells. */
async function undo(page, words) {
  await page.getByText(words).locator('..').getByRole('button', { name: 'Undo' }).click();
}

export async function run({ page, server }) {
  await user.register(page);
  const id = await user.createSession(page, 'History');
  await user.terminalReady(page);

  await user.putFile(page, id, 'notes.md', '# Notes\n\nyesterday\n');
  await user.putFile(page, id, 'old.csv', 'a,b\n1,2\n');
  await server.sql(`update workspace_versions set at = at - interval '1 day' where session_id = '${id}'`);
  await user.putFile(page, id, 'notes.md', '# Notes\n\ntoday\nand more\n');
  await user.command(
    page,
    `clear; echo 'by a program' >> notes.md; rm old.csv; mkdir new; echo 1 > new/one.txt`,
  );
  await user.treeItem(page, 'new').waitFor();
  await user.treeItem(page, 'old.csv').waitFor({ state: 'detached' });

  // By the key, for the file in front: the newest against what is there now, which is the same.
  await user.treeItem(page, 'notes.md').click();
  await page.locator('.view-line', { hasText: 'by a program' }).click();
  await page.keyboard.press('Alt+H');
  const dialog = page.getByRole('dialog', { name: 'History of “notes.md”' });
  const versions = dialog.getByRole('listbox', { name: 'Versions' }).getByRole('option');
  await versions.nth(2).waitFor();
  assert.equal(await versions.count(), 3);
  await dialog.getByText('Yesterday', { exact: true }).waitFor();
  await versions.first().getByText('Changed by a program').waitFor();
  await versions.first().focus();
  await page.keyboard.press('End');
  await dialog.getByTestId('difference').locator('.view-line', { hasText: 'yesterday' }).waitFor();
  await page.waitForTimeout(500);
  await screenshot(page, '84-history-file');
  await checkAccessibility(page, 'the history of a file');
  await dialog.getByRole('radio', { name: 'Inline' }).click();
  await versions.nth(1).click({ modifiers: ['Control'] });
  await page.waitForTimeout(500);
  await screenshot(page, '85-history-inline');
  await dialog.getByRole('radio', { name: 'Side by side' }).click();

  // Yesterday's version, and back.
  await versions.last().click();
  await dialog.getByRole('button', { name: 'Restore this version…' }).click();
  const question = page.getByRole('alertdialog', { name: /Have “notes.md” as on/ });
  await question.waitFor();
  await screenshot(page, '86-restore');
  await question.getByRole('button', { name: 'Restore', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.locator('.view-line', { hasText: 'yesterday' }).waitFor();
  await user.command(page, 'clear; cat notes.md');
  await user.waitForTerminal(page, /^yesterday$/m);
  await undo(page, /“notes.md” is as it was/);
  await page.locator('.view-line', { hasText: 'by a program' }).waitFor();
  assert.equal(await user.readFile(page, id, 'notes.md'), '# Notes\n\ntoday\nand more\nby a program\n');

  // Everything as it was yesterday: first what that would change.
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('menuitem', { name: 'History…' }).click();
  const all = page.getByRole('dialog', { name: 'History of the workspace' });
  const yesterdays = all.getByRole('option').filter({ hasText: 'old.csv' }).last();
  await yesterdays.click();
  await all.getByRole('radio', { name: 'All of it as it was at a time' }).click();
  await all.getByText('1 added, 1 changed, 2 removed').waitFor();
  await screenshot(page, '87-as-it-was');
  await checkAccessibility(page, 'what going back would change');
  await all.getByRole('button', { name: 'Go back to this…' }).click();
  await page.getByRole('button', { name: 'Go back', exact: true }).click();
  await page.getByText(/The workspace is as it was \(2 brought back, 2 removed\)/).waitFor();
  await page.keyboard.press('Escape');
  await user.treeItem(page, 'old.csv').waitFor();
  await user.treeItem(page, 'new').waitFor({ state: 'detached' });
  assert.equal(await user.readFile(page, id, 'old.csv'), 'a,b\n1,2\n');
  await undo(page, /The workspace is as it was/);
  await user.treeItem(page, 'new').waitFor();
  await user.treeItem(page, 'old.csv').waitFor({ state: 'detached' });

  // What is deleted, back with its bytes; a picture is shown as one.
  await user.command(
    page,
    `clear; python -c 'import base64; open("dot.png", "wb").write(base64.b64decode("${DOT}"))'`,
  );
  await user.treeItem(page, 'dot.png').waitFor();
  await user.command(page, 'rm dot.png');
  await user.treeItem(page, 'dot.png').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /Use light colours/ }).click();
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('menuitem', { name: 'Deleted files…' }).click();
  const deleted = all.getByRole('listbox', { name: 'Deleted files' });
  await deleted.getByRole('option').filter({ hasText: 'dot.png' }).click();
  const picture = all.getByRole('img', { name: 'The older version of dot.png' });
  await picture.waitFor();
  assert.ok(await picture.evaluate((image) => image.decode().then(() => image.naturalWidth > 0)));
  await screenshot(page, '88-deleted-light');
  await checkAccessibility(page, 'the deleted files in light colours');
  await deleted.getByRole('option').filter({ hasText: 'old.csv' }).click();
  await all.getByRole('button', { name: 'Undelete' }).click();
  await page.getByText(/“old.csv” is back/).waitFor();
  await deleted.getByRole('option').filter({ hasText: 'old.csv' }).waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await user.treeItem(page, 'old.csv').waitFor();
  await user.command(page, 'clear; cat old.csv');
  await user.waitForTerminal(page, /^1,2$/m);
}

/** One red dot. */
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
