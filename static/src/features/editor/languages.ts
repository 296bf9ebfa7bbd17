/** Which grammar colours which file. */
import { baseName, extensionOf } from '@/lib/paths';

const BY_EXTENSION: Readonly<Record<string, string>> = {
  py: 'python',
  pyi: 'python',
  pyw: 'python',
  md: 'markdown',
  markdown: 'markdown',
  rst: 'restructuredtext',
  json: 'json',
  jsonc: 'json',
  jsonl: 'json',
  ipynb: 'json',
  geojson: 'json',
  yaml: 'yaml',
  yml: 'yaml',
  toml: 'ini',
  ini: 'ini',
  cfg: 'ini',
  conf: 'ini',
  properties: 'ini',
  sh: 'shell',
  bash: 'shell',
  zsh: 'shell',
  html: 'html',
  htm: 'html',
  xml: 'xml',
  svg: 'xml',
  css: 'css',
  js: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  jsx: 'javascript',
  ts: 'typescript',
  tsx: 'typescript',
  sql: 'sql',
};

const BY_NAME: Readonly<Record<string, string>> = {
  Dockerfile: 'dockerfile',
  Makefile: 'plaintext',
  '.bashrc': 'shell',
  '.profile': 'shell',
  '.gitconfig': 'ini',
  '.editorconfig': 'ini',
};

/** Monaco's id of the language of a path. */
export function languageOf(path: string): string {
  return BY_NAME[baseName(path)] ?? BY_EXTENSION[extensionOf(path)] ?? 'plaintext';
}

const LABELS: Readonly<Record<string, string>> = {
  plaintext: 'Plain text',
  json: 'JSON',
  yaml: 'YAML',
  ini: 'INI',
  html: 'HTML',
  xml: 'XML',
  css: 'CSS',
  sql: 'SQL',
  javascript: 'JavaScript',
  typescript: 'TypeScript',
  restructuredtext: 'reStructuredText',
};

/** The language as people write it. */
export function languageLabel(path: string): string {
  if (extensionOf(path) === 'toml') return 'TOML';
  if (extensionOf(path) === 'csv') return 'CSV';
  const id = languageOf(path);
  return LABELS[id] ?? id.charAt(0).toUpperCase() + id.slice(1);
}
