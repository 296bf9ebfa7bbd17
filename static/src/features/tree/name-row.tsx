/** A row of the tree in which a name is typed. */
'use client';

import { Folder } from 'lucide-react';
import { FileIcon } from '@/components/file-icon';
import { useNameField } from '@/components/use-name-field';
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
  const dot = initial.lastIndexOf('.');
  const { name, problem, note, input } = useNameField({
    initial,
    label,
    selected: kind !== 'folder' && dot > 0 ? dot : initial.length,
    check: nameProblem,
    submit,
    // Who submits a name closes the row, and knows where the focus goes.
    onDone: ({ saved }) => !saved && onCancel(),
  });

  return (
    <div role="none" style={{ paddingLeft: LEFT_PX + 20 + level * LEVEL_PX }} className="pr-2">
      <div className="flex h-6 items-center gap-1.5">
        {kind === 'folder' ? (
          <Folder aria-hidden className="size-3.5 shrink-0 text-muted" />
        ) : (
          <FileIcon name={name} />
        )}
        <input
          {...input}
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
