/** One terminal's screen in the page: makes a `TerminalScreen`, shows its connection state over it. */
'use client';

import { RotateCw, Scaling } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { API_BASE, reportSignedOut } from '@/api/client';
import { messageOf } from '@/api/problem';
import type { Terminal } from '@/api/types';
import { Button } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { Failure, Spinner } from '@/components/states';
import { useTheme } from '@/components/theme';
import { useToast } from '@/components/toasts';
import { isPageKey } from '@/features/workspace/page-keys';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { loadedCodeFont } from '@/lib/code-font';
import { cx } from '@/lib/cx';
import { formatBytes } from '@/lib/format';
import type { LinkStatus } from '@/lib/reconnecting-socket';
import { socketUrl } from '@/lib/socket-url';
import type { TerminalScreen } from './terminal-screen';

const WORDS: Record<LinkStatus, string | null> = {
  connecting: 'Connecting…',
  connected: null,
  reconnecting: 'Reconnecting…',
  restarting: 'The server is restarting…',
  offline: 'You are offline',
  closed: null,
};

export function TerminalView({ terminal }: { terminal: Terminal }) {
  const { id: session, terminals } = useWorkspace();
  const host = useRef<HTMLDivElement>(null);
  const screen = useRef<TerminalScreen | null>(null);
  const [status, setStatus] = useState<LinkStatus>('connecting');
  const [foreign, setForeign] = useState(false);
  /** Why there is no screen, and how often one was asked for. */
  const [failure, setFailure] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const { theme } = useTheme();
  const currentTheme = useRef(theme);
  currentTheme.current = theme;
  const confirm = useConfirm();
  const toast = useToast();
  const { id } = terminal;

  useEffect(() => {
    let disposed = false;
    let unregister: (() => void) | null = null;
    const element = host.current;
    if (!element) return;
    const open = async (): Promise<void> => {
      const [{ TerminalScreen: Screen }, family] = await Promise.all([
        import('./terminal-screen'),
        // xterm measures once: the font must be there first.
        loadedCodeFont(),
      ]);
      if (disposed) return;
      const url = socketUrl(`${API_BASE}/sessions/${session}/terminals/${id}/socket`);
      const created = new Screen(element, url, family, currentTheme.current, {
        onStatus: setStatus,
        onExit: (exit) => terminals.exited(id, exit),
        onNotice: (level, text) => terminals.notice(id, { level, text }),
        onForeignSize: setForeign,
        onEnd: (reason) => {
          if (reason === 'signed_out') reportSignedOut();
          // The session's own socket is told the same, and finds out where.
          else if (reason !== 'elsewhere') terminals.remove(id);
        },
        // The list tells whether this terminal still exists; a 401 reports itself.
        onRefused: () => void terminals.refresh().catch(() => undefined),
        confirmLink: (address) =>
          confirm({
            title: 'Open this address?',
            text: (
              <>
                A program in the terminal leads to <strong className="text-fg">{address.host}</strong>:
                <span className="mt-1 block font-mono text-xs break-all">{address.href}</span>
              </>
            ),
            yes: 'Open in a new tab',
          }),
        confirmPaste: (bytes) =>
          confirm({
            title: 'Paste this much?',
            text: `The clipboard holds ${formatBytes(bytes)}. The terminal will be busy with it for a while.`,
            yes: 'Paste',
          }).finally(() => {
            // After the dialog has given the keyboard back to nobody in particular.
            requestAnimationFrame(() => created.focus());
          }),
        isPageKey,
        onCopied: (ok) => !ok && toast('The clipboard is not available.', 'danger'),
      });
      screen.current = created;
      unregister = terminals.register(id, {
        type: (text) => created.type(text),
        focus: () => created.focus(),
      });
    };
    setFailure(null);
    open().catch((error: unknown) => {
      if (!disposed) setFailure(messageOf(error));
    });
    return () => {
      disposed = true;
      unregister?.();
      screen.current?.dispose();
      screen.current = null;
    };
  }, [session, id, terminals, toast, confirm, attempt]);

  useEffect(() => screen.current?.setTheme(theme), [theme]);

  const words = failure === null ? WORDS[status] : null;
  return (
    <div className="absolute inset-0">
      <div
        ref={host}
        className={cx('h-full overflow-hidden transition-opacity', words && 'opacity-60')}
        data-testid="terminal"
      />
      {failure === null ? null : (
        <div className="absolute inset-0">
          <Failure
            title="This terminal could not be shown"
            actions={
              <Button onClick={() => setAttempt((count) => count + 1)}>
                <RotateCw aria-hidden className="size-3.5" /> Try again
              </Button>
            }
          >
            What runs in it goes on. {failure}
          </Failure>
        </div>
      )}
      <div className="absolute top-2 right-4 z-10 flex flex-col items-end gap-1.5 text-xs">
        <div role="status">
          {words ? (
            <span className={CHIP}>
              <Spinner className="size-3.5" />
              {words}
            </span>
          ) : null}
        </div>
        {foreign && !words ? (
          <button
            type="button"
            title="Another window gave this terminal its size. Typing here does the same."
            onClick={() => {
              screen.current?.refit();
              screen.current?.focus();
            }}
            className={cx(CHIP, 'text-muted hover:text-fg')}
          >
            <Scaling aria-hidden className="size-3.5" />
            Sized for another window · Fit to this one
          </button>
        ) : null}
      </div>
    </div>
  );
}

const CHIP = 'flex items-center gap-2 rounded-md border border-line-strong bg-raised px-2.5 py-1 shadow-pop';
