import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as user from '../lib/actions.mjs';

export const title = 'takes docs/screenshots/workspace.png';

/** It changes a file of the repository. */
export const onlyWhenAsked = true;

const FOLDER = fileURLToPath(new URL('../../../docs/screenshots/', import.meta.url));

/** Coldest and warmest monthly mean, and the warmest month. */
const CITIES = {
  Lima: [17, 24, 2],
  Lisbon: [12, 24, 8],
  Nairobi: [17, 21, 3],
  Oslo: [-4, 18, 7],
  Sapporo: [-3, 23, 8],
};

/** A year of monthly means. */
function weather() {
  const lines = ['city,month,temperature,rain_mm'];
  for (const [index, [city, [coldest, warmest, peak]]] of Object.entries(CITIES).entries()) {
    for (let month = 1; month <= 12; month += 1) {
      const season = (1 + Math.cos(((month - peak) / 6) * Math.PI)) / 2;
      const rain = 30 + ((month * 37 + index * 53) % 90);
      lines.push(`${city},${month},${(coldest + season * (warmest - coldest)).toFixed(1)},${rain}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const PROGRAM = `"""A year of weather in five cities."""

import pandas as pd

BLOCKS = " ▁▂▃▄▅▆▇█"


def sparkline(values: pd.Series) -> str:
    """Draws a series in one line of text."""
    scaled = (values - values.min()) / (values.max() - values.min())
    return "".join(BLOCKS[round(v * (len(BLOCKS) - 1))] for v in scaled)


weather = pd.read_csv("data/weather.csv")
summary = weather.groupby("city").agg(
    coldest=("temperature", "min"),
    warmest=("temperature", "max"),
    mean=("temperature", "mean"),
    rain=("rain_mm", "sum"),
    year=("temperature", sparkline),
)
print(summary.sort_values("mean", ascending=False).round(1))
`;

export async function run({ page }) {
  await user.register(page);
  const id = await user.createSession(page, 'Weather');
  await user.terminalReady(page);
  const files = {
    'data/weather.csv': weather(),
    'data/stations.json': '{"Oslo": 18700, "Lima": 84628}\n',
    'notebooks/ideas.md': '# Ideas\n\n- compare with 1990\n',
    'README.md': '# Weather\n\nRun `report.py`.\n',
    'requirements.txt': 'pandas\n',
    'report.py': PROGRAM,
  };
  for (const [path, text] of Object.entries(files)) {
    const status = await page.evaluate(
      async ([session, name, body]) =>
        (await fetch(`/api/v1/sessions/${session}/files/${name}`, { method: 'PUT', body })).status,
      [id, path, text],
    );
    if (status !== 201) throw new Error(`${path} was answered with ${status}`);
  }
  await user.treeItem(page, 'data').click();
  await user.treeItem(page, 'weather.csv').click();
  await user.treeItem(page, 'report.py').click();
  await page.locator('.view-line', { hasText: 'sparkline' }).first().waitFor();
  await user.command(page, 'clear');
  await page.getByRole('button', { name: 'Run' }).click();
  await user.waitForTerminal(page, /Oslo[\s\S]*[$#] ?$/m, 60_000);
  await page.mouse.move(900, 450);
  // Colours of the syntax and of buttons settle.
  await page.waitForTimeout(1_000);
  await mkdir(FOLDER, { recursive: true });
  await page.screenshot({ path: `${FOLDER}workspace.png` });
}
