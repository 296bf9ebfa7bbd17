/** What a user does, as functions. */
import assert from 'node:assert/strict';

export const PASSWORD = 'correct horse battery';

let count = 0;

export function freshName(prefix) {
  count += 1;
  return `${prefix}${Date.now().toString(36)}${count}`;
}

export async function register(page) {
  const username = freshName('ada');
  await page.getByRole('button', { name: 'Register' }).click();
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('E-mail').fill(`${username}@example.org`);
  await page.getByLabel('Name (optional)').fill('Ada Lovelace');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
  return username;
}

/** Makes a session and waits until its workspace is on the screen. Returns its id. */
export async function createSession(page, name) {
  await page.getByRole('button', { name: 'New session' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.waitForURL(/\/s\/[0-9a-f-]{36}\/$/, { waitUntil: 'commit' });
  await page.getByRole('region', { name: 'Files' }).waitFor();
  return /\/s\/([0-9a-f-]{36})\//.exec(page.url())[1];
}

/** Waits for the first terminal's prompt. */
export async function terminalReady(page, timeout = 120_000) {
  await page.locator('[data-state="ready"]').waitFor({ timeout });
  await waitForTerminal(page, /[$#] ?$/m, timeout);
}

export async function createFile(page, name) {
  await page.getByRole('button', { name: 'New file' }).first().click();
  await page.getByLabel('Name of the new file').fill(name);
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: new RegExp(`^${escape(name)}`) }).waitFor();
  await page.locator('.monaco-editor .view-lines').waitFor();
}

/** Replaces the text of the file in front. */
export async function typeCode(page, text) {
  await page.locator('.monaco-editor .view-lines').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
}

export async function save(page) {
  await page.keyboard.press('Control+S');
  await page.locator('[data-save="saved"]').waitFor();
}

/** The lines on a visible terminal's screen, right-trimmed; `nth` counts those of a split. */
export function terminalText(page, nth = 0) {
  return page.evaluate((index) => {
    const screen = [...document.querySelectorAll('[data-testid="terminal"] .xterm-rows')].filter(
      (rows) => rows.getClientRects().length > 0,
    )[index];
    const rows = screen ? [...screen.children] : [];
    return rows
      .map((row) => (row.textContent ?? '').replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }, nth);
}

export async function waitForTerminal(page, pattern, timeout = 30_000, nth = 0) {
  const end = Date.now() + timeout;
  let text = '';
  for (;;) {
    text = await terminalText(page, nth);
    if (pattern.test(text)) return text;
    if (Date.now() > end) throw new Error(`the terminal never showed ${pattern}; it shows:\n${text}`);
    await page.waitForTimeout(50);
  }
}

export async function typeInTerminal(page, text, nth = 0) {
  await page.locator('[data-testid="terminal"]:visible .xterm-helper-textarea').nth(nth).focus();
  await page.keyboard.type(text);
}

/** Types a command and Enter. */
export async function command(page, text, nth = 0) {
  await typeInTerminal(page, text, nth);
  await page.keyboard.press('Enter');
}

/** Puts a file into a session over HTTP. */
export async function putFile(page, session, path, text) {
  const status = await page.evaluate(
    async ([id, name, body]) =>
      (await fetch(`/api/v1/sessions/${id}/files/${name}`, { method: 'PUT', body })).status,
    [session, path, text],
  );
  assert.ok(status === 200 || status === 201, `${path} was answered with ${status}`);
}

/** What a file of a session holds, over HTTP; `null` when there is none. */
export function readFile(page, session, path) {
  return page.evaluate(
    async ([id, name]) => {
      const response = await fetch(`/api/v1/sessions/${id}/files/${name}`);
      return response.ok ? response.text() : null;
    },
    [session, path],
  );
}

export function treeItem(page, name) {
  return page.getByRole('treeitem', { name, exact: true });
}

/** Waits until `holds` does. */
export async function eventually(what, holds, timeout = 20_000) {
  const end = Date.now() + timeout;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Fails unless the promise settles within `ms`. */
export async function within(ms, what, work) {
  const start = Date.now();
  await work();
  const took = Date.now() - start;
  assert.ok(took <= ms, `${what} took ${took} ms, more than ${ms} ms`);
  return took;
}

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
