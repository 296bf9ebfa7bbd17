/** A row in which a name is typed: Enter takes it, Escape gives up, leaving it takes what was typed. */
'use client';

import { Folder } from 'lucide-react';
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { FileIcon } from '@/components/file-icon';
import { nameProblem } from '@/lib/paths';
import { LEFT_PX, LEVEL_PX } from './tree-row';

interface NameRowProps {
  level: number;
  kind: string;
  initial: string;
  label: string;
  /** Resolves to why the name was refused, or `null`. */
  submit: (name: string) => Promise<string | null>;
  onCancel: () => void;
}

export function NameRow({ level, kind, initial, label, submit, onCancel }: NameRowProps) {
  const [name, setName] = useState(initial);
  const [problem, setProblem] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const busy = useRef(false);
  const note = useId();

  useEffect(() => {
    // A closing menu still has the focus in this turn.
    const timer = setTimeout(() => {
      const dot = initial.lastIndexOf('.');
      input.current?.focus();
      input.current?.setSelectionRange(0, kind !== 'folder' && dot > 0 ? dot : initial.length);
    }, 0);
    return () => clearTimeout(timer);
  }, [initial, kind]);

  const finish = async (leaving: boolean): Promise<void> => {
    if (busy.current) return;
    if (name === initial || (leaving && nameProblem(name) !== null)) return onCancel();
    const wrong = nameProblem(name);
    if (wrong) return setProblem(wrong);
    busy.current = true;
    const refused = await submit(name);
    busy.current = false;
    if (refused !== null) {
      setProblem(refused);
      input.current?.focus();
    }
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === 'Enter') void finish(false);
    else if (event.key === 'Escape') {
      // Losing the focus on the way out must not submit after all.
      busy.current = true;
      onCancel();
    }
  };

  return (
    <div role="none" style={{ paddingLeft: LEFT_PX + 20 + level * LEVEL_PX }} className="pr-2">
      <div className="flex h-6 items-center gap-1.5">
        {kind === 'folder' ? (
          <Folder aria-hidden className="size-3.5 shrink-0 text-muted" />
        ) : (
          <FileIcon name={name} />
        )}
        <input
          ref={input}
          value={name}
          aria-label={label}
          aria-invalid={problem !== null}
          aria-describedby={problem ? note : undefined}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            setName(event.target.value);
            setProblem(null);
          }}
          onKeyDown={onKeyDown}
          onBlur={(event) => {
            // The menu this was chosen from may still hold on to the focus; that is not the user leaving.
            if (event.relatedTarget?.closest('[role="menu"]')) setTimeout(() => input.current?.focus(), 0);
            else void finish(true);
          }}
          className="h-[22px] min-w-0 flex-1 rounded border border-accent bg-panel px-1 outline-none"
        />
      </div>
      {problem ? (
        <p id={note} role="alert" className="pt-0.5 pb-1 pl-5 text-xs text-danger">
          {problem}
        </p>
      ) : null}
    </div>
  );
}
