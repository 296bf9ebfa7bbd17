import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'an idle session: warned, extended by click and by key, stopped with its reason';

/** The server is started with a short idle time. */
export const needsControl = true;

/** A warning comes at half of it. */
const IDLE_SECONDS = 16;

export async function run({ page, watch, server }) {
  watch.allowed.push(/ERR_CONNECTION_REFUSED/, /WebSocket connection to/, /status of 503/);
  await server.restart({
    CARREL_SANDBOX__IDLE_SECONDS: `${IDLE_SECONDS}`,
    CARREL_SANDBOX__WATCHED_SECONDS: `${IDLE_SECONDS}`,
  });
  try {
    await scenario(page);
  } finally {
    await server.restart({});
  }
}

async function scenario(page) {
  await page.reload();
  await user.register(page);
  await user.createSession(page, 'Idle');
  await user.terminalReady(page);
  await user.command(page, 'echo here');
  const banner = page.getByRole('region', { name: 'This session is about to stop' });
  const extend = banner.getByRole('button', { name: 'Extend' });
  const timeout = IDLE_SECONDS * 2_000;

  await banner.waitFor({ timeout });
  const left = async () => {
    const [, minutes, seconds] = /^(\d+):(\d\d)$/.exec(await banner.locator('time').innerText());
    return Number(minutes) * 60 + Number(seconds);
  };
  const first = await left();
  assert.ok(first > 0 && first <= IDLE_SECONDS / 2 + 1, `${first} seconds are left`);
  await page
    .getByRole('alert')
    .getByText(/This session stops .* because nobody uses it/)
    .waitFor();
  await page.locator('[data-notice="warning"]').waitFor();
  await screenshot(page, '60-ending');
  await checkAccessibility(page, 'the workspace with an announced end');
  await extend.focus();
  await page.keyboard.press('Escape');
  assert.ok(await banner.isVisible(), 'Escape keeps the banner');
  const second = await left();
  assert.ok(second <= first, `it counts down: ${first}, ${second}`);
  await page.keyboard.press('Enter');
  await page.getByText('The session goes on.').waitFor();
  await banner.waitFor({ state: 'detached' });
  await page.locator('[data-notice="warning"]').waitFor({ state: 'detached' });

  await banner.waitFor({ timeout });
  await page.locator('[data-testid="terminal"]:visible .xterm-helper-textarea').focus();
  await page.keyboard.press('Control+Shift+E');
  await banner.waitFor({ state: 'detached' });

  await banner.waitFor({ timeout });
  await user.typeInTerminal(page, 'x');
  await banner.waitFor({ state: 'detached' });
  await page.keyboard.press('Backspace');

  await banner.waitFor({ timeout });
  const reason = /^Stopped after .* without use$/;
  const terminals = page.getByRole('region', { name: 'Terminals' });
  await terminals.getByText(reason).waitFor({ timeout });
  assert.equal(await banner.count(), 0);
  await screenshot(page, '61-stopped-idle');
  await checkAccessibility(page, 'the session that was stopped');
  await page.getByRole('link', { name: 'To your sessions' }).click();
  const row = page.getByRole('listitem').filter({ hasText: 'Idle' });
  await row.getByText(reason).waitFor();
  await screenshot(page, '62-dashboard-stopped');
}
