/** The parts of the page, and the way between them by keyboard. */

/** In the order in which they are gone through: each names what takes the focus in it. */
const REGIONS = [
  '[aria-label="Files"] [role="treeitem"][tabindex="0"], [aria-label="Files"] button',
  '[aria-label="Find in files"] input',
  '[aria-label="Open files"] [aria-selected="true"]',
  '[data-testid="code"] textarea, [data-testid="code"] [role="textbox"]',
  '[role="tablist"][aria-label="Terminals"] [aria-selected="true"]',
  '[data-testid="terminal"] textarea',
  '[aria-label="Activity"] button',
] as const;

/** These are one part each, whatever in them has the focus. */
const WHOLE = ['[aria-label="Files"]', '[aria-label="Find in files"]', '[aria-label="Activity"]'] as const;

function visible(element: HTMLElement): boolean {
  return element.getClientRects().length > 0;
}

/** Moves the focus `step` parts on, around the end; parts that are not there are passed over. */
export function moveRegion(step: 1 | -1): void {
  const targets = REGIONS.map((selector) =>
    [...document.querySelectorAll<HTMLElement>(selector)].filter(visible),
  );
  const active = document.activeElement;
  const at = targets.findIndex((inside, index) => inside.some((target) => holds(target, active, index)));
  for (let count = 1; count <= targets.length; count += 1) {
    const next = targets[(at + step * count + targets.length * 2) % targets.length]?.[0];
    if (next) return next.focus();
  }
}

function holds(target: HTMLElement, active: Element | null, index: number): boolean {
  if (!active) return false;
  const whole = WHOLE.find((part) => REGIONS[index]?.startsWith(part));
  const part = whole === undefined ? target : target.closest(whole);
  return part?.contains(active) ?? false;
}
