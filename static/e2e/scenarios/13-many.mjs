import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'several files are selected, moved by drag and by keys, copied, deleted and had back';

export async function run({ page }) {
  await user.register(page);
  const session = await user.createSession(page, 'Many');
  await user.terminalReady(page);
  const item = (name) => user.treeItem(page, name);
  for (const path of ['data/one.txt', 'a.py', 'b.py', 'c.py', 'deep/er/x.txt']) {
    await user.putFile(page, session, path, `# ${path}\n`);
  }
  await item('a.py').waitFor();

  await item('a.py').click();
  await item('b.py').click({ modifiers: ['Control'] });
  await item('b.py').dragTo(item('data'));
  await page.getByText('2 items moved to “data”.').waitFor();
  await page.locator('[data-path="data/a.py"]').waitFor();
  await screenshot(page, '130-moved');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.locator('[data-path="a.py"]').waitFor();

  // A closed folder opens under what is held over it.
  await springOpen(page, item('c.py'), item('deep'), item('er'));
  await page.locator('[data-path="deep/er/c.py"]').waitFor();

  await item('a.py').click();
  await page.keyboard.press('Control+X');
  await item('data').focus();
  await page.keyboard.press('Control+V');
  await page.locator('[data-path="data/a.py"]').waitFor();

  await item('one.txt').click();
  await page.keyboard.press('Control+C');
  await page.keyboard.press('Control+V');
  await item('one 2.txt').waitFor();

  await item('b.py').focus();
  await item('b.py').click();
  await page.keyboard.press('Shift+ArrowUp');
  await page.keyboard.press('Shift+ArrowUp');
  await screenshot(page, '131-selected');
  await checkAccessibility(page, 'several selected rows');
  const chosen = await page.locator('[role="treeitem"][aria-selected="true"]').count();
  assert.equal(chosen, 3);
  await page.keyboard.press('Delete');
  const question = page.getByRole('alertdialog', { name: /^Delete \d items\?$/ });
  await screenshot(page, '132-question');
  await question.getByRole('button', { name: 'Delete' }).click();
  await item('b.py').waitFor({ state: 'detached' });
  await screenshot(page, '133-deleted');
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await item('b.py').waitFor();
  await user.command(page, 'clear; find . -type f | sort');
  const text = await user.waitForTerminal(page, /one\.txt/);
  for (const path of ['./b.py', './data/a.py', './data/one 2.txt', './deep/er/c.py']) {
    assert.ok(text.includes(path), `${path} is there:\n${text}`);
  }
}

/** Drags `what` over `closed` until `inside` comes into sight, and drops it there. */
async function springOpen(page, what, closed, inside) {
  await what.hover();
  await page.mouse.down();
  // A hand is never quite still, and the browser tells only of what moves.
  await user.eventually('the folder opens', async () => {
    await closed.hover({ position: { x: 60, y: 12 } });
    await closed.hover({ position: { x: 62, y: 12 } });
    return inside.isVisible();
  });
  await inside.hover({ position: { x: 70, y: 12 } });
  await inside.hover({ position: { x: 72, y: 12 } });
  await page.mouse.up();
}
