import assert from 'node:assert/strict';
import { screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'the tree follows the terminal within a second, and the keyboard works in it';

/** What the design promises for a change made by a program. */
const PROMISED_MS = 1_000;

/** Time the test itself takes to look. */
const LOOKING_MS = 500;

export async function run({ page }) {
  await user.register(page);
  await user.createSession(page, 'Tree');
  await user.terminalReady(page);
  const item = (name) => user.treeItem(page, name);
  const soon = async (what, line, seen) => {
    await user.typeInTerminal(page, line);
    await user.within(PROMISED_MS + LOOKING_MS, what, async () => {
      await page.keyboard.press('Enter');
      await seen();
    });
  };

  await user.command(page, 'clear');
  await soon('a new file', 'echo one > made.txt', async () => {
    await item('made.txt').waitFor();
  });
  await soon('a rename', 'mv made.txt renamed.txt', async () => {
    await item('renamed.txt').waitFor();
    await item('made.txt').waitFor({ state: 'detached' });
  });

  await item('renamed.txt').click();
  await page.getByText('one', { exact: true }).first().waitFor();
  await soon('a change in an open file', 'echo two > renamed.txt', async () => {
    await page.locator('.view-line', { hasText: 'two' }).waitFor();
  });
  await soon('a removal', 'rm renamed.txt', async () => {
    await item('renamed.txt').waitFor({ state: 'detached' });
  });
  await page.getByText('This file was deleted outside.').waitFor();
  await screenshot(page, '20-deleted-outside');
  await page.getByRole('button', { name: 'Close', exact: true }).click();

  await user.command(page, 'mkdir -p src/deep && touch src/a.py src/b.py src/deep/c.py');
  await item('src').click();
  await item('a.py').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('F2');
  await page.getByLabel('New name').fill('first.py');
  await page.keyboard.press('Enter');
  await item('first.py').and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: 'first.py' }).waitFor();

  await item('first.py').click();
  await page.keyboard.press('n');
  await page.getByLabel('Name of the new file').fill('b.py');
  await page.keyboard.press('Enter');
  await page.getByText('“b.py” already exists here.').waitFor();
  await screenshot(page, '21-name-taken');
  await page.keyboard.press('Escape');

  await item('b.py').click();
  await page.keyboard.press('Delete');
  const question = page.getByRole('alertdialog', { name: 'Delete “b.py”?', exact: true });
  await question.getByText('“src/b.py” is deleted.', { exact: true }).waitFor();
  await question.getByRole('button', { name: 'Delete' }).click();
  await item('b.py').waitFor({ state: 'detached' });
  for (const name of ['src', 'deep', 'first.py']) assert.ok(await item(name).isVisible(), `${name} is left`);

  await item('deep').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'New folder' }).waitFor();
  await screenshot(page, '22-context-menu');
  await page.getByRole('menuitem', { name: 'New folder' }).click();
  await page.getByLabel('Name of the new folder').fill('empty');
  await page.keyboard.press('Enter');
  await item('empty').waitFor();

  await user.command(page, 'clear; ls src src/deep');
  const text = await user.waitForTerminal(page, /empty/);
  assert.match(text, /first\.py/);
  assert.doesNotMatch(text, /\bb\.py/);
}
