/**
 * Makes the export fit `script-src 'self'`: moves every inline script of every page into a file of its own,
 * named by its content, in the same place and order. Then checks that none is left.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OUT = fileURLToPath(new URL('../out', import.meta.url));
const FOLDER = '_next/static/inline';
const SCRIPT = /<script((?:\s[^>]*)?)>([\s\S]*?)<\/script>/g;

async function pages(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.html'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const files = new Map();
let moved = 0;

for (const page of await pages(OUT)) {
  const html = await readFile(page, 'utf8');
  const changed = html.replace(SCRIPT, (whole, attributes, code) => {
    if (/\ssrc\s*=/.test(attributes) || code.trim() === '') return whole;
    const type = /\stype\s*=\s*"([^"]*)"/.exec(attributes)?.[1];
    // Data blocks are not run and need no permission.
    if (type && !/javascript|module/.test(type)) return whole;
    const name = `${createHash('sha256').update(code).digest('hex').slice(0, 16)}.js`;
    files.set(name, code);
    moved += 1;
    return `<script${attributes} src="/${FOLDER}/${name}"></script>`;
  });
  if (/\son[a-z]+\s*=\s*"/i.test(changed.replace(SCRIPT, '')))
    throw new Error(`${page} has an inline handler`);
  await writeFile(page, changed);
}

await mkdir(join(OUT, FOLDER), { recursive: true });
for (const [name, code] of files) await writeFile(join(OUT, FOLDER, name), code);

console.log(`moved ${moved} inline scripts into ${files.size} files`);
