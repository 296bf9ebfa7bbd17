/** A small icon by the ending of a name. */
import { Braces, File, FileCode2, FileImage, FileText, Sheet, Terminal } from 'lucide-react';

const CODE = new Set(['js', 'ts', 'tsx', 'jsx', 'html', 'css', 'sql', 'xml']);
const DATA = new Set(['csv', 'tsv', 'parquet', 'xlsx']);
const STRUCTURED = new Set(['json', 'yaml', 'yml', 'toml', 'ini', 'cfg', 'ipynb', 'jsonl']);
const IMAGE = new Set(['png', 'jpg', 'jpeg', 'gif', 'svg', 'webp', 'ico']);
const TEXT = new Set(['md', 'txt', 'rst', 'log']);

export function FileIcon({ name }: { name: string }) {
  const dot = name.lastIndexOf('.');
  const ending = dot < 0 ? '' : name.slice(dot + 1).toLowerCase();
  const size = 'size-3.5 shrink-0';
  if (ending === 'py' || ending === 'pyi') return <FileCode2 aria-hidden className={`${size} text-info`} />;
  if (DATA.has(ending)) return <Sheet aria-hidden className={`${size} text-ok`} />;
  if (STRUCTURED.has(ending)) return <Braces aria-hidden className={`${size} text-warn`} />;
  if (IMAGE.has(ending)) return <FileImage aria-hidden className={`${size} text-accent`} />;
  if (ending === 'sh') return <Terminal aria-hidden className={`${size} text-ok`} />;
  if (CODE.has(ending)) return <FileCode2 aria-hidden className={`${size} text-warn`} />;
  if (TEXT.has(ending)) return <FileText aria-hidden className={`${size} text-faint`} />;
  return <File aria-hidden className={`${size} text-faint`} />;
}
