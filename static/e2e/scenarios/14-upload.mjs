import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title =
  'a folder is dragged in, renamed, deleted and had back; uploads survive a lost connection and a reload';

const MIB = 1024 * 1024;

export async function run({ page, watch }) {
  const folder = await mkdtemp(join(tmpdir(), 'carrel-upload-'));
  try {
    await prepare(folder);
    await user.register(page);
    await user.createSession(page, 'Upload');
    await user.terminalReady(page);
    await dragIn(page, folder);
    await renameAndDelete(page);
    await conflicts(page, watch, folder);
    await interrupted(page, watch, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(folder) {
  await mkdir(join(folder, 'project/src/deep'), { recursive: true });
  await mkdir(join(folder, 'project/empty'));
  await writeFile(join(folder, 'project/README.md'), '# Project\n');
  await writeFile(join(folder, 'project/src/größe 😀.py'), 'print(1)\n');
  await writeFile(join(folder, 'project/src/deep/none.txt'), '');
  await writeFile(join(folder, 'project/big.bin'), Buffer.alloc(10 * MIB, 7));
  await writeFile(join(folder, 'huge.bin'), Buffer.alloc(40 * MIB, 9));
  await writeFile(join(folder, 'more.bin'), '');
  await truncate(join(folder, 'more.bin'), 300 * MIB);
}

/** As the browser does it for files from outside of it: with real files and folders. */
async function drag(page, files, target) {
  const { x, y, width, height } = await target.boundingBox();
  const data = { items: [], files, dragOperationsMask: 1 };
  const at = { x: x + width / 2, y: y + height / 2, data };
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Input.dispatchDragEvent', { type: 'dragEnter', ...at });
  await cdp.send('Input.dispatchDragEvent', { type: 'dragOver', ...at });
  await screenshot(page, '140-dragged-over');
  await cdp.send('Input.dispatchDragEvent', { type: 'drop', ...at });
  await cdp.detach();
}

async function dragIn(page, folder) {
  await drag(page, [join(folder, 'project')], page.getByText('No files yet'));
  await page.getByRole('region', { name: 'Uploads' }).waitFor();
  await screenshot(page, '141-uploading');
  await page.getByText(/^5 files uploaded$/).waitFor();
  await checkAccessibility(page, 'uploads');
  await screenshot(page, '142-uploaded');
  await user.command(page, 'clear; find project | sort; stat -c %s project/big.bin');
  const text = await user.waitForTerminal(page, /10485760/);
  for (const path of ['project/empty', 'project/src/deep/none.txt', 'project/src/größe 😀.py']) {
    assert.ok(text.replaceAll(' ', '').includes(path.replaceAll(' ', '')), `${path} is there:\n${text}`);
  }
  await page.getByRole('button', { name: 'Close the uploads' }).click();
}

async function renameAndDelete(page) {
  const item = (name) => user.treeItem(page, name);
  await item('project').click();
  await page.keyboard.press('F2');
  await page.getByLabel('New name').fill('work');
  await page.keyboard.press('Enter');
  await item('work').and(page.locator(':focus')).waitFor();
  await item('README.md').waitFor();
  await item('README.md').click();
  await item('big.bin').click({ modifiers: ['Control'] });
  await item('src').click({ modifiers: ['Control'] });
  await page.keyboard.press('Delete');
  const question = page.getByRole('alertdialog', { name: 'Delete 3 items?' });
  await question.getByRole('button', { name: 'Delete' }).click();
  for (const name of ['README.md', 'big.bin', 'src']) await item(name).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).last().click();
  for (const name of ['README.md', 'big.bin', 'src']) await item(name).waitFor();
  await user.command(page, 'clear; find work -type f | wc -l; stat -c %s work/big.bin');
  await user.waitForTerminal(page, /^4\n10485760/m);
}

async function conflicts(page, watch, folder) {
  // The server's refusal is the question.
  watch.allowed.push(/status of 409/);
  const item = (name) => user.treeItem(page, name);
  await writeFile(join(folder, 'project/README.md'), '# Another\n');
  const readme = join(folder, 'project/README.md');
  await drag(page, [readme], item('work'));
  const question = page.getByRole('alertdialog', { name: '“work/README.md” is there already' });
  await question.waitFor();
  await screenshot(page, '143-conflict');
  await checkAccessibility(page, 'the question about a conflict');
  await question.getByRole('button', { name: 'Keep both' }).click();
  await item('README 2.md').waitFor();
  await drag(page, [readme], item('work'));
  await question.getByRole('button', { name: 'Replace' }).click();
  await page.getByText('1 file uploaded').waitFor();
  await item('README.md').click();
  await page.locator('.view-line', { hasText: 'Another' }).waitFor();
  // What cannot fit is told before anything is sent.
  await drag(page, [join(folder, 'more.bin')], item('work'));
  await page.getByText(/are to be uploaded, and there is room for/).waitFor();
}

async function interrupted(page, watch, folder) {
  watch.allowed.push(/net::ERR_INTERNET_DISCONNECTED/, /WebSocket connection/);
  const item = (name) => user.treeItem(page, name);
  const huge = join(folder, 'huge.bin');
  let chunks = 0;
  let gate = null;
  // The line is cut in the middle: after the third chunk nothing goes any more.
  await page.route(/\/upload\/[0-9a-f-]+\?offset=/, async (route) => {
    chunks += 1;
    if (chunks > 3 && gate) await route.abort('internetdisconnected');
    else await route.continue();
  });
  gate = true;
  await drag(page, [huge], item('work'));
  await page.locator('[data-upload="retrying"]').waitFor();
  await screenshot(page, '144-connection-lost');
  gate = null;
  await page.getByText('1 file uploaded').waitFor({ timeout: 60_000 });
  assert.ok(chunks >= 10 && chunks < 40, `what was lost is sent again, and no more: ${chunks} of 10 chunks`);

  // And the page itself goes: the same file continues it.
  chunks = 0;
  gate = true;
  await drag(page, [huge], item('empty'));
  await page.locator('[data-upload="retrying"]').waitFor();
  page.once('dialog', (dialog) => dialog.accept());
  await page.reload();
  gate = null;
  await page.getByText('“huge.bin” was not uploaded to the end.').waitFor();
  await screenshot(page, '145-interrupted');
  chunks = 0;
  await item('empty').waitFor();
  await drag(page, [huge], item('empty'));
  await page.getByText('1 file uploaded').waitFor({ timeout: 60_000 });
  assert.ok(chunks <= 7, `only the rest was sent: ${chunks} of 10 chunks`);
  await page.unroute(/\/upload\/[0-9a-f-]+\?offset=/);
  await user.terminalReady(page);
  await user.command(page, 'clear; sha256sum work/huge.bin work/empty/huge.bin | cut -c1-16 | uniq | wc -l');
  await user.waitForTerminal(page, /^1$/m);
}
