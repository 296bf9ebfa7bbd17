import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title =
  'text is found in all files and replaced after a preview, in a session that runs and in one that does not';

export async function run({ page, watch }) {
  // What is no regular expression is refused.
  watch.allowed.push(/status of 400/);
  await user.register(page);
  const session = await user.createSession(page, 'Search');
  await user.terminalReady(page);
  await user.putFile(
    page,
    session,
    'src/main.py',
    `${'# line\n'.repeat(60)}def total(rows):\n    return sum(rows)\n`,
  );
  await user.putFile(page, session, 'src/other.py', 'from main import total\nprint(total([1, 2]))\n');
  await user.putFile(page, session, 'notes.md', 'The total of all rows. Subtotal.\n');
  await user.treeItem(page, 'notes.md').waitFor();

  await page.keyboard.press('Control+Shift+F');
  const field = page.getByRole('textbox', { name: 'Find' });
  await field.and(page.locator(':focus')).waitFor();
  await page.keyboard.type('total');
  await found(page, /^5 matches in 3 files\./);
  await screenshot(page, '150-found');
  await checkAccessibility(page, 'find in files');
  await page.getByRole('button', { name: 'Whole words' }).click();
  await found(page, /^4 matches in 3 files\./);

  // To the line, by the keyboard alone.
  await field.focus();
  await page.keyboard.press('ArrowDown');
  await page.getByRole('treeitem', { name: /^main\.py, src/ }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByText('Ln 61, Col 10').waitFor();
  await page.locator('.view-line', { hasText: 'def total' }).waitFor();
  await screenshot(page, '151-opened-at-the-line');

  await page.getByRole('button', { name: 'Which files' }).click();
  await page.getByRole('textbox', { name: 'Only in these files' }).fill('*.py');
  await found(page, /^3 matches in 2 files\./);
  await page.getByRole('button', { name: 'Regular expression' }).click();
  await field.fill('total\\((\\w+)\\)');
  await found(page, /^1 match in 1 file\./);
  await field.fill('(');
  await page.getByText('This could not be looked for').waitFor();
  await screenshot(page, '152-no-expression');
  await page.getByRole('button', { name: 'Regular expression' }).click();
  await field.fill('total');
  await found(page, /^3 matches in 2 files\./);

  await page.getByRole('button', { name: 'Replace', exact: true }).click();
  await page.getByRole('textbox', { name: 'Replace with' }).fill('sum_up');
  await page.getByRole('button', { name: 'Replace…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Replace in files' });
  await dialog.getByRole('button', { name: 'Replace 3 in 2 files' }).waitFor();
  await screenshot(page, '153-preview');
  await checkAccessibility(page, 'the preview of a replacement');
  await dialog.getByRole('checkbox', { name: 'Replace in src/other.py' }).uncheck();
  await dialog.getByRole('button', { name: 'Replace 1 in 1 file' }).click();
  await page.getByText('1 replaced in 1 file.').waitFor();
  await page.locator('.view-line', { hasText: 'def sum_up' }).waitFor();
  await user.command(page, 'clear; grep -c sum_up src/main.py src/other.py');
  const text = await user.waitForTerminal(page, /other\.py:\d/);
  assert.match(text, /main\.py:1/);
  assert.match(text, /other\.py:0/);

  // A session that does not run is searched as well.
  await page.evaluate((id) => fetch(`/api/v1/sessions/${id}/stop`, { method: 'POST' }), session);
  await page.locator('[data-state="cold"]').waitFor({ timeout: 60_000 });
  await field.fill('sum_up');
  await found(page, /^1 match in 1 file\./);
  await page.keyboard.press('Escape');
  await page.getByRole('region', { name: 'Files' }).waitFor();
}

function found(page, words) {
  return page.getByRole('status').filter({ hasText: words }).waitFor();
}
