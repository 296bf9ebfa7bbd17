import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title =
  'what is only in the sandbox is marked in the tree, with the reason, and does not go unasked';

export async function run({ page, watch }) {
  await user.register(page);
  await user.createSession(page, 'Unkept');
  await user.terminalReady(page);
  await user.command(page, 'mkdir -p .venv/bin src && touch .venv/bin/python src/main.py && mkfifo src/pipe');
  // Before anything is clicked: its row moves the others.
  await page.getByRole('treeitem', { name: /^\.venv, not kept: / }).waitFor();
  await user.treeItem(page, 'src').click();
  await user.treeItem(page, 'main.py').waitFor();
  await page.getByRole('treeitem', { name: /^pipe, not kept: / }).waitFor();
  await user.command(page, 'truncate -s 70M large.bin');
  const large = page.getByRole('treeitem', { name: /^large\.bin, not saved: / });
  await large.waitFor();
  await screenshot(page, '160-not-kept');
  await checkAccessibility(page, 'what is not kept');
  await large.click();
  await page.getByText(/It is only in the sandbox\./).waitFor();
  // The stop is refused.
  watch.allowed.push(/status of 409/);
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('menuitem', { name: 'Stop', exact: true }).click();
  const question = page.getByRole('alertdialog', { name: 'Stop without saving?' });
  await question.getByText(/could not be saved: large\.bin \(larger than 64 MB/).waitFor();
  await screenshot(page, '161-stop-without-saving');
  await checkAccessibility(page, 'the question before what is not saved goes');
  await question.getByRole('button', { name: 'Cancel' }).click();
  await question.waitFor({ state: 'detached' });
  await user.command(page, 'rm large.bin src/pipe');
  await large.waitFor({ state: 'detached' });
  await page.getByRole('treeitem', { name: /^pipe/ }).waitFor({ state: 'detached' });
}
