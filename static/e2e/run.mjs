/**
 * Runs the scenarios in Chromium against a real server.
 *
 *   CARREL_URL=http://127.0.0.1:8080 npm run e2e            a server that is running already
 *   CARREL_BIN=../target/release/carrel npm run e2e         starts its own, on a fresh data folder
 *   npm run e2e -- terminal reconnect                       only these
 *   npm run e2e -- picture                                  takes the picture in docs/screenshots/ anew
 *
 * Screenshots go to `target/e2e/`. Exit code 1 when anything failed.
 */
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openBrowser, openPage, screenshot } from './lib/browser.mjs';
import { serverFromEnvironment } from './lib/server.mjs';

const FOLDER = fileURLToPath(new URL('./scenarios/', import.meta.url));

async function scenarios(wanted) {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.mjs')).sort();
  const chosen = files.filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)));
  if (chosen.length === 0) throw new Error(`no scenario is called ${wanted.join(' or ')}`);
  const all = await Promise.all(
    chosen.map(async (file) => ({ file: file.replace(/\.mjs$/, ''), ...(await import(`${FOLDER}${file}`)) })),
  );
  return all.filter(({ onlyWhenAsked }) => wanted.length > 0 || !onlyWhenAsked);
}

async function runOne(scenario, server, browser) {
  const { page, watch } = await openPage(browser, server.url);
  try {
    await scenario.run({ page, watch, server, browser, url: server.url });
    if (watch.problems.length > 0)
      throw new Error(`the browser complained:\n  ${watch.problems.join('\n  ')}`);
  } catch (error) {
    await screenshot(page, `failed-${scenario.file}`).catch(() => undefined);
    if (watch.problems.length > 0) console.log(`  console: ${watch.problems.join('\n  ')}`);
    throw error;
  } finally {
    await page.close();
  }
}

const server = serverFromEnvironment();
let passes = 0;
let failures = 0;
let browser;
let ending = null;

/** Ends everything that was started, once, whether the scenarios are over or somebody has had enough of them. */
function end() {
  ending ??= (async () => {
    await browser?.close().catch(() => undefined);
    await server.stop();
  })();
  return ending;
}

for (const [signal, code] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.on(signal, () => {
    end()
      .catch((error) => console.error(error.stack ?? error))
      .finally(() => process.exit(code));
  });
}

try {
  const chosen = await scenarios(process.argv.slice(2));
  await server.start();
  console.log(`server at ${server.url}`);
  browser = await openBrowser();
  for (const scenario of chosen) {
    if (ending) break;
    if (scenario.needsControl && !server.controllable) {
      console.log(`left out  ${scenario.file}: it kills the server, so it needs CARREL_BIN`);
      continue;
    }
    const start = Date.now();
    try {
      await runOne(scenario, server, browser);
      passes += 1;
      console.log(
        `ok        ${scenario.file}: ${scenario.title} (${((Date.now() - start) / 1000).toFixed(1)} s)`,
      );
    } catch (error) {
      failures += 1;
      console.log(`FAILED    ${scenario.file}: ${scenario.title}\n${error.stack ?? error}`);
    }
  }
} catch (error) {
  failures += 1;
  console.log(error.stack ?? error);
} finally {
  await end().catch((error) => {
    failures += 1;
    console.log(error.stack ?? error);
  });
}
console.log(`${passes} passed, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
