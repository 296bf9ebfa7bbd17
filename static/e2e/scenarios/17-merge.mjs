import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'conflicts: merged by themselves where they can be, decided by click and key where not';

/** Without indentation, which the editor would add to what is typed. */
const BASE = `import pandas as pd

RATE = 0.5

NAME = "base"

rows = [1, 2, 3]

total = sum(rows)

print(total * RATE)
`;

/** Both change the rate and the last line, each something else besides. */
const THEIRS = BASE.replace('0.5', '0.75')
  .replace('sum(rows)', 'float(sum(rows))')
  .replace('print(', 'print("theirs", ');
const MINE = BASE.replace('0.5', '0.25').replace('"base"', '"mine"').replace('print(', 'print("mine", ');

const MERGED = BASE.replace('0.5', '0.25')
  .replace('"base"', '"mine"')
  .replace('sum(rows)', 'float(sum(rows))')
  .replace('print(total * RATE)', 'print("mine", total * RATE)\nprint("theirs", total * RATE)');

async function readFile(page, session, path) {
  return page.evaluate(
    async ([id, name]) => (await fetch(`/api/v1/sessions/${id}/files/${encodeURIComponent(name)}`)).text(),
    [session, path],
  );
}

export async function run({ page, watch }) {
  watch.allowed.push(/status of 412/);
  await user.register(page);
  const id = await user.createSession(page, 'Merging');
  await user.terminalReady(page);
  await user.putFile(page, id, 'report.py', BASE);
  await user.treeItem(page, 'report.py').click();
  await page.locator('.view-line', { hasText: 'RATE =' }).waitFor();

  // A program writes while there are edits here that are not saved.
  await user.typeCode(page, MINE);
  await user.putFile(page, id, 'report.py', THEIRS);
  await page.locator('.monaco-editor .view-lines').click();
  await page.keyboard.press('Control+S');
  const question = page.getByRole('alertdialog', { name: /was changed by somebody else/ });
  await question.waitFor();
  await screenshot(page, '80-conflict');
  await question.getByRole('button', { name: 'Merge…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Merge “report.py”' });
  await dialog.getByText('2 of 2 conflicts to decide · 2 changes were merged by themselves').waitFor();
  await dialog.getByTestId('merged').locator('.view-line', { hasText: 'float(sum(rows))' }).waitFor();
  await dialog.getByTestId('merged').locator('.view-line', { hasText: 'NAME = "mine"' }).waitFor();
  await page.waitForTimeout(500);
  await screenshot(page, '81-merge');
  await checkAccessibility(page, 'the merge');

  // One by a click, one by a key; the typing in the result goes on from there.
  await dialog.getByRole('group', { name: 'Conflict 1: take' }).getByRole('button', { name: 'Mine' }).click();
  await dialog.getByText('1 of 2 conflicts to decide').waitFor();
  await page.keyboard.press('F8');
  await page.keyboard.press('Alt+B');
  await dialog.getByText('All conflicts are decided').waitFor();
  await dialog.getByTestId('merged').locator('.view-line', { hasText: '"theirs"' }).waitFor();
  await dialog.getByTestId('merged').locator('.view-lines').click();
  await page.keyboard.press('Control+Z');
  await dialog.getByText('1 of 2 conflicts to decide').waitFor();
  await page.keyboard.press('Control+Shift+Z');
  await dialog.getByText('All conflicts are decided').waitFor();
  await screenshot(page, '82-merge-decided');
  await page.keyboard.press('Control+S');
  await dialog.waitFor({ state: 'detached' });
  await page.locator('[data-save="saved"]').waitFor();
  assert.equal(await readFile(page, id, 'report.py'), MERGED);

  // A copy that was kept beside: the same view, and the copy goes when it is merged.
  const copy = 'report (conflict 2026-03-01 09.30.05).py';
  await user.putFile(page, id, encodeURIComponent(copy), MERGED.replace('0.25', '0.3'));
  await user.treeItem(page, copy).click();
  await page.getByText('This is another version of “report.py”').waitFor();
  await page.getByRole('button', { name: /Use light colours/ }).click();
  await page.getByRole('button', { name: 'Merge…' }).click();
  await dialog.getByText('1 of 1 conflict to decide').waitFor();
  await page.waitForTimeout(500);
  await screenshot(page, '83-merge-copy-light');
  await checkAccessibility(page, 'the merge of a copy in light colours');
  await page.keyboard.press('Alt+T');
  await page.keyboard.press('Control+S');
  await dialog.waitFor({ state: 'detached' });
  await user.treeItem(page, copy).waitFor({ state: 'detached' });
  assert.equal(await readFile(page, id, 'report.py'), MERGED.replace('0.25', '0.3'));
}
