import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title =
  'a zip archive and a git bundle are imported, a broken one is refused, several items come as one zip';

const run_ = promisify(execFile);

export async function run({ page, watch }) {
  const folder = await mkdtemp(join(tmpdir(), 'carrel-import-'));
  try {
    const { zip, bundle, broken } = await prepare(folder);
    await user.register(page);
    await user.createSession(page, 'Import');
    await user.terminalReady(page);
    await importZip(page, zip);
    await importAgain(page, zip);
    await refused(page, watch, broken);
    await importBundle(page, bundle);
    await downloadSeveral(page, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A real archive and a real bundle, as their own programs make them. */
async function prepare(folder) {
  const work = join(folder, 'work');
  await mkdir(join(work, 'src/deep'), { recursive: true });
  await mkdir(join(work, 'node_modules/left'), { recursive: true });
  await mkdir(join(work, '__MACOSX'));
  await writeFile(join(work, 'README.md'), '# From an archive\n');
  await writeFile(join(work, 'src/größe 😀.py'), 'print("imported")\n');
  await writeFile(join(work, 'src/deep/data.csv'), 'a,b\n1,2\n'.repeat(10_000));
  await writeFile(join(work, 'node_modules/left/pad.js'), 'x');
  await writeFile(join(work, '__MACOSX/._README.md'), 'x');
  const zip = join(folder, 'work.zip');
  const names = ['README.md', 'src', 'node_modules', '__MACOSX'];
  await run_('python3', ['-m', 'zipfile', '-c', zip, ...names], { cwd: work });

  const repository = join(folder, 'repository');
  const git = (...words) =>
    run_('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...words], { cwd: repository });
  await mkdir(join(repository, 'bin'), { recursive: true });
  await git('init', '--quiet', '--initial-branch=main');
  await writeFile(join(repository, 'old.txt'), 'gone since\n');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'First');
  await rm(join(repository, 'old.txt'));
  await writeFile(join(repository, 'bin/run.sh'), '#!/bin/sh\necho from a bundle\n');
  await chmod(join(repository, 'bin/run.sh'), 0o755);
  await symlink('bin/run.sh', join(repository, 'start'));
  await git('add', '--all');
  await git('commit', '--quiet', '-m', 'Second');
  const bundle = join(folder, 'repository.bundle');
  await git('bundle', 'create', '--quiet', bundle, '--all');

  const broken = join(folder, 'broken.zip');
  await writeFile(broken, 'PK\u0003\u0004 this is no archive');
  return { zip, bundle, broken };
}

async function openDialog(page) {
  await page.getByRole('button', { name: 'Upload, import, download' }).click();
  await page.getByRole('menuitem', { name: 'Import an archive…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Import an archive' });
  await dialog.waitFor();
  return dialog;
}

/** Chooses a file as the user does, with the browser's own chooser. */
async function choose(page, dialog, file) {
  const chooser = page.waitForEvent('filechooser');
  await dialog.getByRole('button', { name: 'Choose an archive…' }).click();
  await (await chooser).setFiles(file);
}

function done(page) {
  return page.getByRole('dialog', { name: 'The archive was imported' });
}

async function importZip(page, zip) {
  const dialog = await openDialog(page);
  await screenshot(page, '200-import');
  await checkAccessibility(page, 'the import of an archive');
  await choose(page, dialog, zip);
  await dialog.getByText(/^work\.zip · /).waitFor();
  await dialog.getByLabel('Into the folder').fill('course/one');
  await screenshot(page, '201-import-chosen');
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await done(page).getByText('node_modules/left/pad.js').waitFor();
  await screenshot(page, '202-imported-with-left-out');
  await checkAccessibility(page, 'what was imported');
  await done(page).getByRole('button', { name: 'Done' }).click();
  await user.treeItem(page, 'course').waitFor();
  await user.command(page, 'clear; (cd course/one; python3 src/gr*; find . -type f | sort)');
  const text = await user.waitForTerminal(page, /^imported[^]*^\.\/src\/größe/m);
  assert.ok(
    text.includes('./src/deep/data.csv') && !text.includes('pad.js') && !text.includes('MACOSX'),
    text,
  );
}

/** What is there already stays, and is named; unless it is to be replaced. */
async function importAgain(page, zip) {
  await user.command(page, 'clear; echo mine > course/one/README.md; cat course/one/README.md');
  await user.waitForTerminal(page, /^mine$/m);
  for (const replace of [false, true]) {
    const dialog = await openDialog(page);
    await choose(page, dialog, zip);
    await dialog.getByLabel('Into the folder').fill('/course/one/');
    await dialog.getByLabel('Replace files that are there already').setChecked(replace);
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await done(page).getByText('node_modules/left/pad.js').waitFor();
    assert.equal(await done(page).getByText('is there already').count(), replace ? 0 : 3);
    if (!replace) await screenshot(page, '203-imported-again');
    await done(page).getByRole('button', { name: 'Done' }).click();
    await user.command(page, 'clear; cat course/one/README.md; echo read');
    await user.waitForTerminal(page, replace ? /^# From an archive\nread/m : /^mine\nread/m);
  }
}

async function refused(page, watch, broken) {
  watch.allowed.push(/status of 422/);
  const dialog = await openDialog(page);
  await choose(page, dialog, broken);
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await dialog.getByRole('alert').filter({ hasText: 'The archive was refused' }).waitFor();
  await screenshot(page, '204-import-refused');
  await checkAccessibility(page, 'an archive that was refused');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
}

async function importBundle(page, bundle) {
  await page.getByRole('button', { name: /Use light colours/ }).click();
  const dialog = await openDialog(page);
  await choose(page, dialog, bundle);
  await dialog.getByText(/^repository\.bundle · /).waitFor();
  await dialog.getByLabel('Into the folder').fill('repository');
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await done(page).waitFor();
  await screenshot(page, '205-bundle-imported-light');
  await done(page).getByRole('button', { name: 'Done' }).click();
  await user.treeItem(page, 'repository').waitFor();
  await user.command(page, 'clear; (cd repository; ./start; find . | sort)');
  const text = await user.waitForTerminal(page, /^from a bundle[^]*^\.\/start$/m);
  assert.ok(text.includes('./bin/run.sh') && !text.includes('old.txt'), text);
}

async function downloadSeveral(page, folder) {
  await user.treeItem(page, 'course').click();
  await user.treeItem(page, 'repository').click({ modifiers: ['Control'] });
  await user.treeItem(page, 'repository').click({ button: 'right' });
  const downloads = [];
  page.on('download', (download) => downloads.push(download));
  const first = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'Download as zip' }).click();
  const file = join(folder, 'several.zip');
  await (await first).saveAs(file);
  assert.equal((await first).suggestedFilename(), 'Import.zip');
  const { stdout } = await run_('python3', ['-m', 'zipfile', '-l', file]);
  for (const name of ['course/one/src/größe 😀.py', 'repository/bin/run.sh', 'repository/start'])
    assert.ok(stdout.includes(name), `${name} is in it:\n${stdout}`);
  assert.equal(downloads.length, 1, 'one archive for all of them');
}
