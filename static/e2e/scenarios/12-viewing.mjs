import assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import { checkAccessibility, screenshot } from '../lib/browser.mjs';
import * as user from '../lib/actions.mjs';

export const title = 'large files, pictures, tables and bytes are shown without freezing the page';

const MIB = 1024 * 1024;

/** No task may keep the page from answering for longer. */
const LONGEST_PAUSE_MS = 1_000;

export async function run({ page }) {
  await user.register(page);
  const session = await user.createSession(page, 'Viewing');
  await user.terminalReady(page);
  const item = (name) => user.treeItem(page, name);
  const put = (path, bytes) => putBytes(page, session, path, bytes);

  await put('plot.png', png(320, 200));
  await put('logo.svg', Buffer.from(SVG));
  await put('cities.csv', Buffer.from('city;country;people\n' + 'Oslo;"Norway, north";717710\n'.repeat(800)));
  await put('data.bin', Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7) % 256)));
  await user.command(
    page,
    "python3 -c \"open('big.log','w').write('a line of the log, one of many\\n'*1_700_000)\"",
  );
  await item('big.log').waitFor();

  await item('plot.png').click();
  await page.getByRole('img', { name: 'plot.png' }).waitFor();
  await page.getByText('320 × 200 pixels').waitFor();
  await screenshot(page, '120-picture');

  await item('logo.svg').click();
  await page.getByText('64 × 64 pixels').waitFor();
  assert.equal(await page.evaluate(() => globalThis.ran), undefined, 'a script in a picture has run');
  await page.getByRole('button', { name: 'Text' }).click();
  await page.locator('.view-line', { hasText: 'svg' }).first().waitFor();

  await item('cities.csv').click();
  await page.getByRole('cell', { name: 'Norway, north' }).first().waitFor();
  await page.getByText('Only the first 500 rows are shown.').waitFor();
  await screenshot(page, '121-table');
  await checkAccessibility(page, 'a table');
  await page.getByRole('button', { name: 'Text' }).click();
  await page.locator('.view-line', { hasText: 'Oslo' }).first().waitFor();

  await item('data.bin').click();
  await page.getByText('00 07 0e 15').first().waitFor();
  await screenshot(page, '122-bytes');
  await checkAccessibility(page, 'bytes');

  await user.eventually(
    'the large file is kept',
    async () => (await sizeOf(page, session, 'big.log')) > 50 * MIB,
  );
  await page.evaluate(watchPauses);
  await item('big.log').click();
  await page.getByText(/Too large to edit here · 5\d\.\d MB/).waitFor();
  await page.locator('.view-line', { hasText: 'a line of the log' }).first().waitFor();
  await screenshot(page, '123-large');
  const pause = await page.evaluate(() => globalThis.longestPause);
  console.log(`          longest pause while ${50} MB are opened: ${Math.round(pause)} ms`);
  assert.ok(pause < LONGEST_PAUSE_MS, `the page stood still for ${pause} ms`);
}

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>top.ran = 1</script>
<circle cx="32" cy="32" r="28" fill="teal" onload="top.ran = 1"/></svg>`;

/** Runs in the page: how long it was at most between two looks. */
function watchPauses() {
  let before = performance.now();
  globalThis.longestPause = 0;
  const look = () => {
    const now = performance.now();
    globalThis.longestPause = Math.max(globalThis.longestPause, now - before);
    before = now;
    setTimeout(look, 10);
  };
  look();
}

async function putBytes(page, session, path, bytes) {
  const status = await page.evaluate(
    async ([id, name, base64]) => {
      const body = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      return (await fetch(`/api/v1/sessions/${id}/files/${name}`, { method: 'PUT', body })).status;
    },
    [session, path, bytes.toString('base64')],
  );
  assert.equal(status, 201, path);
}

function sizeOf(page, session, path) {
  return page.evaluate(
    async ([id, name]) => {
      const { items } = await (await fetch(`/api/v1/sessions/${id}/tree`)).json();
      return items.find((one) => one.path === name)?.size ?? 0;
    },
    [session, path],
  );
}

/** A picture of a gradient, without compression worth the name. */
function png(width, height) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows.set([x % 256, y, 160], y * (width * 3 + 1) + 1 + x * 3);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
