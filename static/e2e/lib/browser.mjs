/** Chromium, and a page that fails its scenario for whatever the console or the CSP complains about. */
import { createRequire } from 'node:module';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
export const SHOTS = fileURLToPath(new URL('../../../target/e2e/', import.meta.url));

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  // xterm then draws into the DOM, where its text can be read.
  '--disable-3d-apis',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What the browser itself writes about answers the page expects. */
const EXPECTED = [/Failed to load resource: the server responded with a status of 401/];

export async function openBrowser() {
  const profile = await mkdtemp(join(tmpdir(), 'carrel-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CARREL_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
    colorScheme: process.env.CARREL_E2E_SCHEME === 'light' ? 'light' : 'dark',
    permissions: ['clipboard-read', 'clipboard-write'],
    // Playwright would end this process with its browser, and leave the server behind.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** A page in a fresh login, watched. */
export async function openPage(browser, baseURL) {
  const { context } = browser;
  await context.clearCookies();
  const page = await context.newPage();
  const watch = { problems: [], allowed: [...EXPECTED] };
  const note = (text) => {
    if (!watch.allowed.some((pattern) => pattern.test(text))) watch.problems.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) {
      // Which request it was is not in the words.
      const { url } = message.location();
      note(/Failed to load/.test(message.text()) ? `${message.text()} ${url}` : message.text());
    }
  });
  page.on('pageerror', (error) => note(`uncaught: ${error.stack ?? error.message}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`Content Security Policy: ${event.violatedDirective} blocked ${event.blockedURI}`);
    });
  });
  page.setDefaultTimeout(20_000);
  await page.goto(`${baseURL}/`);
  await page.evaluate(() => localStorage.clear());
  await page.goto(`${baseURL}/`);
  return { page, watch };
}

export async function screenshot(page, name) {
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

let axeSource;

/** Fails on serious or critical findings of axe. */
export async function checkAccessibility(page, where) {
  axeSource ??= await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = result.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  if (serious.length === 0) return;
  const words = serious.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map((node) => `    ${node.target} ${node.failureSummary}`).join('\n')}`,
  );
  throw new Error(`axe on ${where}:\n  ${words.join('\n  ')}`);
}
