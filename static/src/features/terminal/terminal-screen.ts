/**
 * An xterm screen in a given element, joined to a `TerminalConnection`. No React here.
 *
 * **Invariants**: bytes are acknowledged only after xterm has drawn them; escape sequences cannot reach the
 * clipboard or the page's title; a link opens only after a question, without an opener, and only over http(s); a
 * program's question is answered by one screen at most.
 *
 * **Size**: whoever looks at the terminal last gives it its size: a screen gives its own when it appears, changes, or
 * gets the focus back, and when the user types into it. A screen of which another took the size over draws all of
 * it in smaller letters.
 */
import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import { webAddress } from '@/lib/urls';
import type { Exit } from './protocol';
import { guardQueries } from './query-guard';
import { TerminalConnection, type Size, type TerminalCallbacks } from './terminal-connection';
import { TERMINAL_THEMES } from './terminal-themes';

/** Letters in pixels, and the smallest that can still be told apart. */
const FONT_PX = 13;
const SMALLEST_FONT_PX = 6;

/** Lines kept above the screen. */
export const SCROLLBACK_LINES = 10_000;

/** A paste larger than this is confirmed first: it is rarely meant. */
export const LARGE_PASTE_BYTES = 1024 * 1024;

/** Clears screen and scrollback in order with what was written before (RIS). */
const CLEAR = '\x1bc';

export interface ScreenCallbacks extends Omit<TerminalCallbacks, 'onOutput' | 'onClear' | 'onSize'> {
  /** Asks before opening an address. */
  confirmLink: (address: URL) => Promise<boolean>;
  /** Asks before sending a large paste. */
  confirmPaste: (bytes: number) => Promise<boolean>;
  /** Keys the page keeps for itself. */
  isPageKey: (event: KeyboardEvent) => boolean;
  onCopied: (ok: boolean) => void;
  /** Whether the terminal has a size that another viewer gave it. */
  onForeignSize: (foreign: boolean) => void;
}

export class TerminalScreen {
  private readonly terminal: Terminal;
  private readonly fit = new FitAddon();
  private readonly connection: TerminalConnection;
  private readonly observer: ResizeObserver;
  private readonly encoder = new TextEncoder();
  private exitShown = false;
  private exited = false;
  /** Whether what is being drawn was printed before this screen looked. */
  private replaying = false;
  private disposed = false;

  constructor(
    private readonly host: HTMLElement,
    url: string,
    fontFamily: string,
    theme: 'light' | 'dark',
    private readonly callbacks: ScreenCallbacks,
  ) {
    this.terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: true,
      fontFamily,
      fontSize: FONT_PX,
      lineHeight: 1.2,
      scrollback: SCROLLBACK_LINES,
      theme: TERMINAL_THEMES[theme],
      minimumContrastRatio: 4.5,
      macOptionIsMeta: true,
      linkHandler: {
        allowNonHttpProtocols: false,
        activate: (_event, address) => void this.openLink(address),
      },
    });
    this.terminal.loadAddon(this.fit);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.unicode.activeVersion = '11';
    this.terminal.loadAddon(new WebLinksAddon((_event, address) => void this.openLink(address)));
    this.terminal.open(host);
    this.connection = new TerminalConnection(url, {
      ...callbacks,
      onOutput: (bytes, rendered, replayed) => this.draw(bytes, rendered, replayed),
      onClear: () => {
        this.exitShown = false;
        this.terminal.write(CLEAR);
      },
      onExit: (exit) => this.showExit(exit),
      onSize: (size) => this.follow(size),
    });
    guardQueries(this.terminal, () => !this.replaying && this.connection.leads);
    this.listen();
    this.observer = new ResizeObserver(() => this.refit());
    this.observer.observe(host);
    this.refit();
    void this.accelerate();
  }

  /** Types as if at the keyboard. */
  type(text: string): void {
    this.input(text);
  }

  focus(): void {
    this.terminal.focus();
  }

  setTheme(theme: 'light' | 'dark'): void {
    this.terminal.options.theme = TERMINAL_THEMES[theme];
  }

  /** Takes the size of the element, here and in the program. */
  readonly refit = (): void => {
    if (this.disposed || !this.shown) return;
    this.terminal.options.fontSize = FONT_PX;
    this.fit.fit();
    this.connection.resize(this.terminal.cols, this.terminal.rows);
    this.callbacks.onForeignSize(false);
  };

  dispose(): void {
    this.disposed = true;
    this.observer.disconnect();
    this.host.removeEventListener('paste', this.onPaste, true);
    this.host.removeEventListener('focusin', this.refit);
    window.removeEventListener('focus', this.refit);
    document.removeEventListener('visibilitychange', this.onVisible);
    this.connection.dispose();
    this.terminal.dispose();
  }

  private listen(): void {
    this.terminal.onData((text) => this.input(text));
    this.terminal.onBinary((text) => this.send(Uint8Array.from(text, (c) => c.charCodeAt(0) & 0xff)));
    this.terminal.attachCustomKeyEventHandler((event) => this.key(event));
    this.host.addEventListener('paste', this.onPaste, true);
    this.host.addEventListener('focusin', this.refit);
    window.addEventListener('focus', this.refit);
    document.addEventListener('visibilitychange', this.onVisible);
    this.terminal.onKey(() => !this.connection.leads && this.refit());
  }

  private get shown(): boolean {
    return this.host.clientWidth > 0 && this.host.clientHeight > 0;
  }

  private draw(bytes: Uint8Array, rendered: () => void, replayed: boolean): void {
    if (!replayed) return this.terminal.write(bytes, rendered);
    // xterm draws later, in order: the mark is set and taken away in that same order.
    this.terminal.write('', () => (this.replaying = true));
    this.terminal.write(bytes, () => {
      this.replaying = false;
      rendered();
    });
  }

  /** Another viewer gave the terminal its size: show all of it, as large as it goes. */
  private follow(size: Size): void {
    const cols = clampSize(size.cols);
    const rows = clampSize(size.rows);
    for (let px = FONT_PX; this.shown && px >= SMALLEST_FONT_PX; px -= 0.5) {
      this.terminal.options.fontSize = px;
      const room = this.fit.proposeDimensions();
      if (!room || (room.cols >= cols && room.rows >= rows)) break;
    }
    this.terminal.resize(cols, rows);
    this.callbacks.onForeignSize(true);
  }

  private input(text: string): void {
    this.send(this.encoder.encode(text));
  }

  private send(bytes: Uint8Array): void {
    if (!this.connection.send(bytes)) {
      this.callbacks.onNotice?.('warning', 'Too much input is waiting; the rest was not taken.');
    }
  }

  /** `false` keeps a key from the program. */
  private key(event: KeyboardEvent): boolean {
    if (this.callbacks.isPageKey(event)) return false;
    // Nobody reads any more: the Tab key leads on to what can be done about it.
    if (this.exited && event.code === 'Tab') return false;
    if (!event.ctrlKey || !event.shiftKey || event.altKey) return true;
    if (event.code === 'KeyC') {
      event.preventDefault();
      if (event.type === 'keydown') this.copy();
      return false;
    }
    // The browser pastes by itself, which needs no permission; `onPaste` hears it.
    return event.code !== 'KeyV';
  }

  private copy(): void {
    const text = this.terminal.getSelection();
    if (text === '') return;
    navigator.clipboard.writeText(text).then(
      () => this.callbacks.onCopied(true),
      () => this.callbacks.onCopied(false),
    );
  }

  private readonly onPaste = (event: ClipboardEvent): void => {
    const text = event.clipboardData?.getData('text/plain') ?? '';
    const bytes = this.encoder.encode(text).length;
    if (bytes <= LARGE_PASTE_BYTES) return;
    event.preventDefault();
    event.stopPropagation();
    void this.callbacks.confirmPaste(bytes).then((yes) => {
      if (yes && !this.disposed) this.terminal.paste(text);
      this.terminal.focus();
    });
  };

  private readonly onVisible = (): void => {
    if (document.visibilityState === 'visible') this.refit();
  };

  private async openLink(text: string): Promise<void> {
    const address = webAddress(text);
    if (!address) return;
    if (await this.callbacks.confirmLink(address)) window.open(address, '_blank', 'noopener,noreferrer');
  }

  private showExit(exit: Exit): void {
    this.exited = true;
    if (!this.exitShown) {
      this.exitShown = true;
      this.terminal.write(`\r\n\x1b[0;90m[${exitWords(exit)}]\x1b[0m\x1b[?25l\r\n`);
    }
    this.callbacks.onExit?.(exit);
  }

  /** The GPU draws much faster; where it cannot, or loses its context, the DOM does. */
  private async accelerate(): Promise<void> {
    try {
      const probe = document.createElement('canvas').getContext('webgl2');
      if (!probe) return;
      probe.getExtension('WEBGL_lose_context')?.loseContext();
      const { WebglAddon } = await import('@xterm/addon-webgl');
      if (this.disposed) return;
      const addon = new WebglAddon();
      addon.onContextLoss(() => addon.dispose());
      this.terminal.loadAddon(addon);
    } catch {
      // The DOM renderer is in place already.
    }
  }
}

/** How a program ended, in words. */
export function exitWords(exit: Exit): string {
  if (exit.code !== null) return `exited with code ${exit.code}`;
  if (exit.signal !== null) return `ended by signal ${exit.signal}`;
  return 'ended';
}

/** xterm accepts no smaller screen, and a hostile size must not allocate the moon. */
function clampSize(value: number): number {
  return Math.min(1000, Math.max(2, value));
}
