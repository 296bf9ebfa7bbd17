/** The font of code and terminals: our own, then whatever is monospaced. */

const FALLBACK = 'ui-monospace, "DejaVu Sans Mono", monospace';

function own(): string {
  return getComputedStyle(document.documentElement).getPropertyValue('--font-code').trim();
}

/** A CSS `font-family`. */
export function codeFont(): string {
  const family = own();
  return family ? `${family}, ${FALLBACK}` : FALLBACK;
}

/** The same once it can be measured; where it cannot be loaded the others stand in. */
export async function loadedCodeFont(): Promise<string> {
  await document.fonts.load(`13px ${own() || 'monospace'}`).catch(() => undefined);
  return codeFont();
}
