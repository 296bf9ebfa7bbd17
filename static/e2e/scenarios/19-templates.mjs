import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'templates published and followed, sessions duplicated, snapshots taken';

/** It makes its user an operator, in the server's own database. */
export const needsControl = true;

async function menu(page, words) {
  await page.getByRole('button', { name: 'Session menu' }).click();
  await page.getByRole('menuitem', { name: words }).click();
}

async function publish(page, description) {
  await menu(page, 'Publish as template…');
  const dialog = page.getByRole('dialog', { name: 'Publish as a template' });
  await dialog.getByLabel('Title').fill('Pandas course');
  await dialog.getByLabel('Name').fill('pandas');
  await dialog.getByLabel('Description').fill(description);
  await dialog.getByRole('button', { name: /^Publish/ }).click();
  await page.getByText(/“Pandas course” is published/).waitFor();
}

/** Opens the dialog, chooses what to begin with, and waits for the new workspace. Returns its id. */
async function begin(page, url, start, choice, name, shot) {
  await page.goto(`${url}/`);
  await page.getByRole('button', { name: 'New session' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'New session' });
  await dialog.getByRole('radio', { name: start }).click();
  await dialog.getByRole('radio', { name: choice }).click();
  if (name) await dialog.getByLabel('Name', { exact: true }).fill(name);
  await screenshot(page, shot);
  await checkAccessibility(page, `a new session: ${start}`);
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await page.waitForURL(/\/s\/[0-9a-f-]{36}\/$/, { waitUntil: 'commit' });
  await page.getByRole('region', { name: 'Files' }).waitFor();
  return /\/s\/([0-9a-f-]{36})\//.exec(page.url())[1];
}

export async function run({ page, server, url }) {
  const name = await user.register(page);
  await server.sql(`update users set role = 'admin' where username = '${name}'`);
  await page.reload();
  const source = await user.createSession(page, 'Course');
  await user.putFile(page, source, 'exercise.py', 'a = 1\n\nb = 2\n\nc = 3\n');
  await user.putFile(page, source, 'data.csv', 'a,b\n1,2\n');
  await user.treeItem(page, 'exercise.py').waitFor();
  await publish(page, 'Exercises and data of the first week.');

  const learner = await begin(
    page,
    url,
    'From a template',
    /Pandas course/,
    'Week 1',
    '89-new-from-template',
  );
  assert.equal(await user.readFile(page, learner, 'data.csv'), 'a,b\n1,2\n');

  // The learner works; the template goes on in the same line and in another file.
  await user.terminalReady(page);
  await user.putFile(page, learner, 'exercise.py', 'a = 10\n\nb = 2\n\nc = 3\n');
  await page.goto(`${url}/s/${source}/`);
  await user.treeItem(page, 'exercise.py').waitFor();
  await user.putFile(page, source, 'exercise.py', 'a = 100\n\nb = 2\n\nc = 3\n');
  await user.putFile(page, source, 'data.csv', 'a,b\n3,4\n');
  await publish(page, 'Now with other data.');
  await page.goto(`${url}/s/${learner}/`);
  await page.getByText(/The template “Pandas course” .* has changed/).waitFor();
  await screenshot(page, '90-template-banner');
  await page.getByRole('button', { name: 'Update', exact: true }).click();
  const result = page.getByRole('dialog', { name: 'The template was followed' });
  await result.getByText('1 updated, 0 removed, 1 for you to merge.').waitFor();
  await screenshot(page, '91-template-followed');
  await checkAccessibility(page, 'what following a template came to');
  assert.equal(await user.readFile(page, learner, 'data.csv'), 'a,b\n3,4\n');
  assert.equal(await user.readFile(page, learner, 'exercise.py'), 'a = 10\n\nb = 2\n\nc = 3\n');
  await result.getByRole('button', { name: 'Merge…' }).click();
  const merge = page.getByRole('dialog', { name: 'Merge “exercise.py”' });
  await merge.getByText('1 of 1 conflict to decide').waitFor();
  await page.keyboard.press('Alt+B');
  await page.keyboard.press('Control+S');
  await result.getByText('Merged', { exact: true }).waitFor();
  await result.getByRole('button', { name: 'Done' }).click();
  assert.equal(await user.readFile(page, learner, 'exercise.py'), 'a = 10\na = 100\n\nb = 2\n\nc = 3\n');

  // A snapshot stays as it is while the session goes on.
  await menu(page, 'Snapshots…');
  const snapshots = page.getByRole('dialog', { name: 'Snapshots' });
  await snapshots.getByText('No snapshots yet').waitFor();
  await snapshots.getByLabel('Name of a new snapshot').fill('Before the exam');
  await page.keyboard.press('Enter');
  await snapshots.getByRole('button', { name: 'Delete Before the exam' }).waitFor();
  await screenshot(page, '92-snapshots');
  await checkAccessibility(page, 'the snapshots');
  await snapshots.getByRole('button', { name: 'Done' }).click();
  await user.putFile(page, learner, 'data.csv', 'gone\n');
  await page.getByRole('button', { name: /Use light colours/ }).click();
  const again = await begin(
    page,
    url,
    'From a snapshot',
    /Before the exam/,
    'Exam',
    '93-new-from-snapshot-light',
  );
  assert.equal(await user.readFile(page, again, 'data.csv'), 'a,b\n3,4\n');

  await menu(page, 'Duplicate session…');
  await page.getByRole('button', { name: 'Duplicate', exact: true }).click();
  await page.getByRole('heading', { name: 'Exam copy' }).waitFor();
  const copy = /\/s\/([0-9a-f-]{36})\//.exec(page.url())[1];
  assert.notEqual(copy, again);
  assert.equal(await user.readFile(page, copy, 'exercise.py'), 'a = 10\na = 100\n\nb = 2\n\nc = 3\n');
}
