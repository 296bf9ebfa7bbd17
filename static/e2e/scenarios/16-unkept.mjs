import assert from 'node:assert/strict';
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
  // Nor does a folder take along what is only in the sandbox, unless its user was asked, once.
  const refused = [];
  page.on('response', (response) => response.status() === 409 && refused.push(response.url()));
  await user.command(page, 'mkdir data && touch data/kept.csv && truncate -s 70M data/dump.bin');
  const data = user.treeItem(page, 'data');
  await data.click();
  await page.getByRole('treeitem', { name: /^dump\.bin, not saved: / }).waitFor();
  await data.press('Delete');
  const going = page.getByRole('alertdialog', { name: 'Delete “data”?' });
  await going.getByText(/1 item among them is not kept and cannot be had back: “dump\.bin”\./).waitFor();
  await screenshot(page, '162-delete-for-good');
  await checkAccessibility(page, 'the question before what is only in the sandbox goes with its folder');
  await going.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('“data” deleted.').waitFor();
  assert.deepEqual(refused, [], 'asked once');
  await page.getByRole('treeitem', { name: /^dump\.bin/ }).waitFor({ state: 'detached' });
  // What the page has not been told of yet the server finds.
  await page.route('**/unkept', (route) => route.fulfill({ json: { items: [], truncated: false } }));
  await user.command(page, 'mkdir late && touch late/kept.csv && truncate -s 70M late/dump.bin');
  const late = user.treeItem(page, 'late');
  await late.click();
  await user.treeItem(page, 'kept.csv').waitFor();
  await late.press('Delete');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete', exact: true }).click();
  const lost = page.getByRole('alertdialog', { name: 'Delete for good?' });
  await lost.getByText(/only in the sandbox: late\/dump\.bin \(larger than 64 MB/).waitFor();
  await screenshot(page, '163-found-by-the-server');
  await checkAccessibility(page, 'the question of what the server has found');
  // Before the list changes once more, for the page asks for it only then.
  await page.unroute('**/unkept');
  await lost.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('“late” deleted.').waitFor();
  await late.waitFor({ state: 'detached' });
  await user.command(page, 'test ! -e data && test ! -e late && touch both-gone');
  await user.treeItem(page, 'both-gone').waitFor();
  // So is the deletion of the session, which is asked about anyway.
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('menuitem', { name: 'Delete session…' }).click();
  await page.getByRole('button', { name: 'Delete session', exact: true }).click();
  const loss = page.getByRole('alertdialog', { name: 'Delete without saving?' });
  await loss.getByText(/could not be saved: large\.bin \(larger than 64 MB/).waitFor();
  await loss.getByRole('button', { name: 'Delete anyway' }).waitFor();
  await screenshot(page, '164-delete-without-saving');
  await loss.getByRole('button', { name: 'Cancel' }).click();
  await loss.waitFor({ state: 'detached' });
  // Named itself it goes, for good.
  await large.click();
  await large.press('Delete');
  const forGood = page.getByRole('alertdialog', { name: 'Delete for good?' });
  await forGood.getByText('“large.bin” is only in the sandbox and cannot be had back.').waitFor();
  await screenshot(page, '165-only-in-the-sandbox');
  await checkAccessibility(page, 'the question before what is only in the sandbox goes');
  await forGood.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('“large.bin” deleted for good.').waitFor();
  await large.waitFor({ state: 'detached' });
  await user.command(page, 'test ! -e large.bin && rm src/pipe');
  await page.getByRole('treeitem', { name: /^pipe/ }).waitFor({ state: 'detached' });
}
