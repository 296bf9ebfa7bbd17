import assert from 'node:assert/strict';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'register, create a session, write a pandas program, save and run it';

const CSV = 'city,population\nOslo,709000\nBergen,291000\nTrondheim,212000\n';
const PROGRAM = `import pandas as pd

cities = pd.read_csv("cities.csv")
print(cities.to_string(index=False))
print("total", cities["population"].sum())
`;

export async function run({ page }) {
  await page.getByRole('heading', { name: 'Sign in to Carrel' }).waitFor();
  await checkAccessibility(page, 'the sign-in page');
  await screenshot(page, '01-sign-in');
  await user.register(page);
  await checkAccessibility(page, 'the empty dashboard');
  await screenshot(page, '02-dashboard-empty');

  await user.createSession(page, 'Cities');
  await screenshot(page, '03-starting');
  await user.terminalReady(page);

  await user.createFile(page, 'cities.csv');
  await user.typeCode(page, CSV);
  await user.save(page);
  await user.createFile(page, 'main.py');
  await user.typeCode(page, PROGRAM);
  assert.ok(page.workers().length > 0, 'Monaco runs in a worker');
  await page.getByRole('tab', { name: 'main.py, not saved' }).waitFor();
  await user.save(page);

  await user.command(page, 'python main.py');
  const text = await user.waitForTerminal(page, /total 1212000/, 60_000);
  assert.match(text, /Bergen\s+291000/);
  await screenshot(page, '04-output');
  await checkAccessibility(page, 'the workspace');

  await page.getByRole('button', { name: 'Run' }).click();
  await user.waitForTerminal(page, /total 1212000[\s\S]*total 1212000/, 60_000);
  await screenshot(page, '05-run-button');

  // What has the terminal now is left alone.
  await user.command(page, `clear; python -c 'import time; print("busy", flush=True); time.sleep(1000)'`);
  await user.waitForTerminal(page, /^busy$/m);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('tab', { name: 'Run', exact: true }).waitFor();
  await user.waitForTerminal(page, /total 1212000/, 60_000);

  await page.keyboard.press('Control+`');
  await page.getByRole('button', { name: /Use light colours/ }).click();
  // Colours fade over.
  await page.waitForTimeout(300);
  await screenshot(page, '06-light');
  await checkAccessibility(page, 'the light workspace');

  await page.reload();
  await user.waitForTerminal(page, /total 1212000/);
  await page.getByRole('tab', { name: 'main.py' }).waitFor();
  await page.getByRole('link', { name: 'To your sessions' }).click();
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
  await screenshot(page, '07-dashboard');
  await checkAccessibility(page, 'the dashboard');
}
