import assert from 'node:assert/strict';
import { screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'a real terminal: vim, input(), Ctrl-C, size, colours, wide characters, exit code';

export async function run({ page }) {
  await user.register(page);
  await user.createSession(page, 'Terminal');
  await user.terminalReady(page);

  await user.command(page, 'vim -u NONE notes.txt');
  await user.waitForTerminal(page, /^~$/m);
  await user.typeInTerminal(page, 'iwritten in vim');
  await page.keyboard.press('Escape');
  await user.command(page, ':wq');
  await user.treeItem(page, 'notes.txt').waitFor();
  await user.command(page, 'clear; cat notes.txt');
  await user.waitForTerminal(page, /^written in vim$/m);

  await user.command(page, 'clear; python3 -q');
  await user.waitForTerminal(page, />>>/);
  await user.command(page, "name = input('who? ')");
  await user.waitForTerminal(page, /who\? ?$/m);
  await user.command(page, 'Ada');
  await user.command(page, "print('hello', name)");
  await user.waitForTerminal(page, /^hello Ada$/m);
  await user.command(page, 'while True: pass');
  await page.keyboard.press('Enter');
  await user.typeInTerminal(page, '');
  await page.keyboard.press('Control+C');
  await user.waitForTerminal(page, /KeyboardInterrupt/);
  await page.keyboard.press('Control+D');

  await user.command(page, 'clear; echo wide $(stty size)');
  const before = await user.waitForTerminal(page, /^wide \d+ \d+$/m);
  await page.setViewportSize({ width: 1000, height: 800 });
  const columns = (text) => Number(/^\w+ \d+ (\d+)$/m.exec(text)[1]);
  await user.eventually(`fewer columns than ${columns(before)}`, async () => {
    await user.command(page, 'clear; echo narrow $(stty size)');
    return columns(await user.waitForTerminal(page, /^narrow \d+ \d+$/m)) < columns(before);
  });
  await page.setViewportSize({ width: 1440, height: 900 });

  await user.command(page, `clear; printf '\\033[31mred\\033[0m \\033[1;42mgreen\\033[0m\\n'`);
  await user.waitForTerminal(page, /^red green$/m);
  const colours = await page.evaluate(() => {
    const span = (text) =>
      [...document.querySelectorAll('.xterm-rows span')].find((s) => s.textContent === text);
    const style = (text) => getComputedStyle(span(text));
    return { red: style('red').color, plain: getComputedStyle(document.querySelector('.xterm-rows')).color };
  });
  assert.notEqual(colours.red, colours.plain, 'red is not drawn in the plain colour');

  await user.command(page, `clear; printf '日本語|\\n12 4 6|\\n'`);
  await user.waitForTerminal(page, /^日本語\|$/m);
  const ends = await page.evaluate(() => {
    const rows = [...document.querySelectorAll('.xterm-rows > div')];
    const right = (text) => {
      const row = rows.find((r) => r.textContent.replaceAll('\u00a0', ' ').trimEnd() === text);
      const range = document.createRange();
      const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const at = node.data.indexOf('|');
        if (at < 0) continue;
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        return Math.round(range.getBoundingClientRect().right);
      }
      return null;
    };
    return [right('日本語|'), right('12 4 6|')];
  });
  assert.ok(Math.abs(ends[0] - ends[1]) <= 1, `wide characters take two columns: ${ends}`);
  await screenshot(page, '10-terminal');

  await user.command(page, 'exit 3');
  await user.waitForTerminal(page, /exited with code 3/);
  await page.getByRole('tab', { name: /exited with 3/ }).waitFor();
  await screenshot(page, '11-exit-code');

  await page.getByRole('button', { name: 'New terminal' }).click();
  await user.waitForTerminal(page, /[$#] ?$/m);
  assert.equal(await page.getByRole('tablist', { name: 'Terminals' }).getByRole('tab').count(), 2);
}
