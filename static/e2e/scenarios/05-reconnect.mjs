import assert from 'node:assert/strict';
import { screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title =
  'kill -9 of the server while a program counts: the page reconnects, no byte lost or doubled';

export const needsControl = true;

export async function run({ page, watch, server }) {
  watch.allowed.push(
    /ERR_CONNECTION_REFUSED/,
    /ERR_CONNECTION_RESET/,
    /ERR_EMPTY_RESPONSE/,
    /WebSocket connection to/,
  );
  await user.register(page);
  await user.createSession(page, 'Reconnect');
  await user.terminalReady(page);
  await user.createFile(page, 'kept.txt');
  await user.typeCode(page, 'acknowledged\n');
  await user.save(page);

  await user.command(page, 'clear; for i in $(seq 1 400); do printf "%s," $i; sleep 0.05; done; echo done');
  await user.waitForTerminal(page, /20,/);
  await server.crash();
  await page.locator('[data-link]:not([data-link="connected"])').waitFor();
  await screenshot(page, '40-reconnecting');

  // Typed while nobody listens: kept, and not lost.
  await user.typeCode(page, 'typed while the server was away\n');
  await server.start();
  await page.locator('[data-link="connected"]').waitFor({ timeout: 60_000 });
  await page.locator('[data-save="saved"]').waitFor({ timeout: 60_000 });

  const text = await user.waitForTerminal(page, /done/, 60_000);
  const counted = /([\d,\n]+)done/.exec(text)[1].replaceAll('\n', '').split(',').filter(Boolean).map(Number);
  assert.deepEqual(
    counted,
    Array.from({ length: 400 }, (_, i) => i + 1),
    'every number once and in order',
  );
  await user.command(page, 'clear; cat kept.txt');
  await user.waitForTerminal(page, /^typed while the server was away$/m);
  await screenshot(page, '41-reconnected');
}
