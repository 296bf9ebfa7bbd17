import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title =
  'terminals: rename, split, resize and stack by keyboard, kept over a reload; escapes do no harm';

export async function run({ page }) {
  await user.register(page);
  await user.createSession(page, 'Terminals');
  await user.terminalReady(page);
  const tabs = page.getByRole('tablist', { name: 'Terminals' }).getByRole('tab');

  await tabs.first().dblclick();
  const field = page.getByLabel('New name for Terminal 1');
  await field.fill('   ');
  await page.keyboard.press('Enter');
  await page.getByText('Type a name.').waitFor();
  await screenshot(page, '67-rename');
  await checkAccessibility(page, 'a terminal being renamed');
  await field.fill('server');
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: 'server' }).and(page.locator(':focus')).waitFor();
  await page.keyboard.press('F2');
  await page.getByLabel('New name for server').fill('given up');
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: 'server' }).and(page.locator(':focus')).waitFor();

  // One more beside it, by keyboard from the terminal itself.
  await user.command(page, 'clear; echo left');
  await page.keyboard.press('Control+Shift+5');
  await user.waitForTerminal(page, /[$#] ?$/m, 30_000, 1);
  assert.equal(await tabs.count(), 1);
  await focused(page, 1);
  await page.keyboard.type('clear; echo right $(stty size)\n');
  const right = await user.waitForTerminal(page, /^right \d+ \d+$/m, 30_000, 1);
  assert.match(await user.terminalText(page, 0), /^left$/m);
  await page.keyboard.press('Control+Shift+ArrowLeft');
  await focused(page, 0);
  await page.keyboard.press('Control+Shift+ArrowRight');
  await focused(page, 1);
  await screenshot(page, '68-split');
  await checkAccessibility(page, 'a split');

  const line = page.getByRole('separator', { name: 'Between terminals' });
  await line.focus();
  for (let count = 0; count < 8; count += 1) await page.keyboard.press('ArrowLeft');
  assert.equal(await line.getAttribute('aria-valuenow'), '34');
  await user.command(page, 'clear; echo wider $(stty size)', 1);
  const wider = await user.waitForTerminal(page, /^wider \d+ \d+$/m, 30_000, 1);
  const columns = (text) => Number(/^\w+ \d+ (\d+)$/m.exec(text)[1]);
  assert.ok(columns(wider) > columns(right), `${columns(wider)} columns after ${columns(right)}`);

  await page.getByRole('button', { name: 'Actions for server' }).click();
  await screenshot(page, '69-terminal-menu');
  await page.getByRole('menuitem', { name: 'Stack' }).click();
  await screenshot(page, '70-stacked');
  await page.reload();
  await user.waitForTerminal(page, /left/);
  await user.waitForTerminal(page, /^wider/m, 30_000, 1);
  assert.equal(await line.getAttribute('aria-orientation'), 'horizontal');
  assert.equal(await line.getAttribute('aria-valuenow'), '34');

  // Nothing the replay of old output asks for is typed into the shell.
  await user.command(
    page,
    // The first answers are the program's; those to the replay would be the shell's.
    `clear; printf '\\033[6n\\033[c\\033]0;hijacked\\007\\033]52;c;c3RvbGVu\\007'; read -rs -t 1 -N 99; clear; echo asked`,
  );
  await user.waitForTerminal(page, /^asked$/m);
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  await page.reload();
  await user.waitForTerminal(page, /^asked$/m);
  await user.command(page, 'echo untouched');
  await user.waitForTerminal(page, /^untouched$/m);
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'mine');
  assert.equal(await page.title(), 'Terminals · Carrel');
  await user.command(
    page,
    `clear; printf '\\033]52;c;c3RvbGVu\\007\\033]8;;javascript:alert(1)\\007bad link\\033]8;;\\007\\n'`,
  );
  await user.waitForTerminal(page, /^bad link$/m);
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'mine');
  assert.equal(await page.title(), 'Terminals · Carrel');
  const link = await page.getByText('bad link').first().boundingBox();
  await page.mouse.click(link.x + link.width / 2, link.y + link.height / 2);
  assert.equal(await page.getByRole('alertdialog').count(), 0);

  await page.getByRole('button', { name: 'Actions for server' }).click();
  await page.getByRole('menuitem', { name: 'Move to its own tab' }).click();
  await tabs.nth(1).waitFor();
  assert.equal(await tabs.count(), 2);
  await page.getByRole('tab', { name: 'server' }).click();
  await page.keyboard.press('Alt+PageDown');
  await user.waitForTerminal(page, /wider/);
  // From the tab itself as well, where the focus is until the screen is shown.
  await page.getByRole('tab', { name: 'server' }).focus();
  await page.keyboard.press('Alt+PageUp');
  await user.waitForTerminal(page, /bad link/);
  await page.getByRole('tab', { name: 'server' }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Close terminal' }).click();
  await page.getByRole('tab', { name: 'server' }).waitFor({ state: 'detached' });
}

/** Waits until pane `nth` of the split has the keyboard. */
function focused(page, nth) {
  return user.eventually(`pane ${nth} has the keyboard`, () =>
    page.evaluate((index) => {
      const shown = [...document.querySelectorAll('[data-testid="terminal"]')].filter(
        (host) => host.getClientRects().length > 0,
      );
      return shown[index]?.contains(document.activeElement) ?? false;
    }, nth),
  );
}
