import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'what runs: programs in plain words, live meters, stopping one, stopping a shell';

/** Enough of the default memory to be warned about it, and not to be ended for it. */
const HOG = `data = b"x" * (860 << 20)
input("holding ")
`;

/** Per cent of a CPU a busy loop gets at least, on a machine that has other things to do. */
const BUSY = 5;

export async function run({ page }) {
  await user.register(page);
  const id = await user.createSession(page, 'Activity');
  await user.terminalReady(page);
  await user.putFile(page, id, 'spin.py', 'while True: pass\n');
  await user.putFile(page, id, 'hog.py', HOG);
  await user.command(page, 'python spin.py &');

  await page.keyboard.press('Control+Shift+Y');
  const panel = page.getByRole('region', { name: 'Activity', exact: true });
  const row = (name) => panel.getByRole('listitem').filter({ hasText: name });
  await row('spin.py').waitFor();
  await row('Shell').waitFor();
  await panel.getByRole('region', { name: 'Terminal 1' }).waitFor();
  await row('spin.py').getByText('Python program').waitFor();
  await row('spin.py')
    .getByText(/^([5-9]\.\d|\d{2,3}) % CPU$/)
    .waitFor();
  const value = async (name) =>
    Number(await panel.getByRole('meter', { name }).getAttribute('aria-valuenow'));
  await user.eventually('the CPU meter moves', async () => (await value('CPU')) >= BUSY);
  assert.ok((await value('Memory')) > 0, 'memory is shown');
  await screenshot(page, '63-activity');
  await checkAccessibility(page, 'the activity panel');

  await row('spin.py')
    .getByRole('button', { name: /^Stop spin\.py/ })
    .click();
  await row('spin.py').waitFor({ state: 'detached', timeout: 8_000 });
  await user.eventually('the CPU meter falls', async () => (await value('CPU')) < BUSY);

  await user.command(page, 'clear; python hog.py');
  await user.waitForTerminal(page, /holding/, 60_000);
  await panel.locator('[data-level="high"]').getByText('Memory', { exact: true }).waitFor();
  await screenshot(page, '64-memory-high');
  await checkAccessibility(page, 'a meter near its limit');
  await page.keyboard.press('Control+C');

  await row('Shell')
    .getByRole('button', { name: /^Stop Shell/ })
    .click();
  const question = page.getByRole('alertdialog', { name: 'Stop “Shell” of “Terminal 1”?' });
  await screenshot(page, '65-stop-shell');
  await question.getByRole('button', { name: 'Stop it' }).click();
  await page.getByText(/^Ended: /).waitFor();
  await screenshot(page, '66-ended');
  await checkAccessibility(page, 'a terminal that has ended');
  // By keyboard: nobody reads what is typed any more, so Tab leads on to closing.
  await page.locator('[data-testid="terminal"]:visible .xterm-helper-textarea').focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('No terminal is open').waitFor();
  await panel.getByText('Nothing runs').waitFor();
  await page.keyboard.press('Control+Shift+Y');
  await panel.waitFor({ state: 'detached' });
}
