import assert from 'node:assert/strict';
import { screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'two windows on one terminal: one screen, one size, one answer to a program’s question';

/** Asks the terminal where the cursor is, and counts the answers of a second. */
const ASK = `import os, select, sys, termios, tty
old = termios.tcgetattr(0)
tty.setraw(0)
os.write(1, b"\\x1b[6n")
said = b""
while select.select([0], [], [], 1)[0]:
    said += os.read(0, 100)
termios.tcsetattr(0, termios.TCSADRAIN, old)
print("answers", said.count(b"R"))
`;

export async function run({ page, browser, url }) {
  await user.register(page);
  const id = await user.createSession(page, 'Viewers');
  await user.terminalReady(page);
  await user.putFile(page, id, 'ask.py', ASK);
  await user.command(page, 'clear; echo wide $(stty size)');
  const wide = await user.waitForTerminal(page, /^wide \d+ \d+$/m);

  const other = await browser.context.newPage();
  try {
    await other.setViewportSize({ width: 900, height: 700 });
    await other.goto(`${url}/s/${id}/`);
    await user.waitForTerminal(other, /^wide \d+ \d+$/m);
    const chip = (where) => where.getByRole('button', { name: /Sized for another window/ });
    await chip(page).waitFor();
    await user.command(other, 'clear; echo narrow $(stty size)');
    const narrow = await user.waitForTerminal(other, /^narrow \d+ \d+$/m);
    await user.waitForTerminal(page, /^narrow \d+ \d+$/m);
    const columns = (text) => Number(/^\w+ \d+ (\d+)$/m.exec(text)[1]);
    assert.ok(columns(narrow) < columns(wide), `${columns(narrow)} columns after ${columns(wide)}`);
    assert.equal(await user.terminalText(page), await user.terminalText(other));

    // Whoever types decides; the smaller window then draws all of it in smaller letters.
    await user.command(page, 'clear; seq 3; echo again $(stty size)');
    const again = await user.waitForTerminal(page, /^again \d+ \d+$/m);
    assert.equal(columns(again), columns(wide));
    await chip(other).waitFor();
    await chip(page).waitFor({ state: 'detached' });
    await user.waitForTerminal(other, /^again \d+ \d+$/m);
    const fits = await other.evaluate(() => {
      const host = document.querySelector('[data-testid="terminal"]').getBoundingClientRect();
      const screen = document.querySelector('[data-testid="terminal"] .xterm-screen').getBoundingClientRect();
      return screen.right <= host.right + 1 && screen.bottom <= host.bottom + 1;
    });
    assert.ok(fits, 'the whole screen is in the smaller window');
    await screenshot(other, '71-second-window');

    await user.command(page, 'clear; python ask.py');
    await user.waitForTerminal(page, /^answers 1$/m);
    await user.waitForTerminal(other, /^answers 1$/m);

    await page.getByRole('tablist', { name: 'Terminals' }).getByRole('tab').first().focus();
    await page.keyboard.press('F2');
    await page.getByLabel('New name for Terminal 1').fill('shared');
    await page.keyboard.press('Enter');
    await other.getByRole('tab', { name: 'shared' }).waitFor();

    await chip(other).click();
    await chip(page).waitFor();
    await screenshot(page, '72-first-window');

    // What was drawn before, questions included, is drawn again by a third look; nobody answers then.
    await other.reload();
    await user.waitForTerminal(other, /^answers 1$/m);
    await user.command(other, 'echo still fine');
    const text = await user.waitForTerminal(other, /^still fine$/m);
    assert.doesNotMatch(text, /;\d+R/);
  } finally {
    await other.close();
  }
}
