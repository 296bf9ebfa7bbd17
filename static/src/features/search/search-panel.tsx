/** Find in files: the pattern, what it was found in, and replacing it. Arrows move in the results, Enter opens. */
'use client';

import { CaseSensitive, ChevronDown, ChevronRight, Regex, SearchX, WholeWord, X } from 'lucide-react';
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { SearchPattern } from '@/api/search';
import { Button, IconButton } from '@/components/button';
import { INPUT_CLASS } from '@/components/field';
import { Empty, Failure, Loading } from '@/components/states';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { cx } from '@/lib/cx';
import { useStore } from '@/lib/store';
import { ReplaceDialog } from './replace-dialog';
import { SearchResults } from './search-results';
import type { SearchState } from './search-store';

const INPUT = cx(INPUT_CLASS, 'h-7 px-2 text-xs');

export function SearchPanel({ onClose }: { onClose: () => void }) {
  const { search } = useWorkspace().services;
  const state = useStore(search.state);
  const requests = useStore(search.focusRequests);
  const [more, setMore] = useState(() => state.pattern.include !== '' || state.pattern.exclude !== '');
  const [replacing, setReplacing] = useState(state.replacement !== '');
  const [previewing, setPreviewing] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const { pattern, status, files } = state;

  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, [requests]);
  useEffect(() => {
    if (pattern.include !== '') setMore(true);
  }, [pattern.include]);

  const onKeyDown = (event: KeyboardEvent): void => {
    // A button does what it is for with Enter, and an input method takes what it has composed.
    const typing = event.target instanceof HTMLInputElement && !event.nativeEvent.isComposing;
    if (event.key === 'Enter' && typing) void search.run();
    else if (event.key === 'ArrowDown' && event.target === input.current)
      list.current?.querySelector<HTMLElement>('[role="treeitem"]')?.focus();
    else if (event.key === 'Escape') onClose();
    else return;
    event.preventDefault();
  };

  return (
    <section aria-label="Find in files" className="flex h-full min-h-0 flex-col bg-bg">
      <header className="flex h-9 shrink-0 items-center gap-0.5 border-b pr-1.5 pl-3">
        <h2 className="flex-1 text-xs font-semibold text-muted">Find in files</h2>
        <IconButton label="Back to the files" onClick={onClose}>
          <X />
        </IconButton>
      </header>
      <form
        role="search"
        className="flex shrink-0 flex-col gap-1.5 border-b p-2"
        onKeyDown={onKeyDown}
        onSubmit={(event) => event.preventDefault()}
      >
        <div className="flex items-center gap-1">
          <IconButton
            label={replacing ? 'Do not replace' : 'Replace'}
            aria-expanded={replacing}
            className="size-5"
            onClick={() => setReplacing(!replacing)}
          >
            {replacing ? <ChevronDown /> : <ChevronRight />}
          </IconButton>
          <input
            ref={input}
            value={pattern.q}
            aria-label="Find"
            placeholder="Find"
            spellCheck={false}
            autoComplete="off"
            className={INPUT}
            onChange={({ target }) => search.change({ q: target.value })}
          />
        </div>
        {replacing ? (
          <div className="flex items-center gap-1 pl-6">
            <input
              value={state.replacement}
              aria-label="Replace with"
              placeholder="Replace with"
              spellCheck={false}
              autoComplete="off"
              className={INPUT}
              onChange={({ target }) => search.setReplacement(target.value)}
            />
            <Button
              className="px-2 text-xs"
              disabled={files.length === 0}
              onClick={() => setPreviewing(true)}
            >
              Replace…
            </Button>
          </div>
        ) : null}
        <div className="flex items-center gap-0.5 pl-6">
          <Flag name="case" label="Match case" icon={<CaseSensitive />} pattern={pattern} />
          <Flag name="word" label="Whole words" icon={<WholeWord />} pattern={pattern} />
          <Flag name="regex" label="Regular expression" icon={<Regex />} pattern={pattern} />
          <span className="flex-1" />
          <button
            type="button"
            aria-expanded={more}
            onClick={() => setMore(!more)}
            className="rounded px-1.5 text-xs text-muted hover:bg-hover hover:text-fg"
          >
            Which files
          </button>
        </div>
        {more ? (
          <div className="flex flex-col gap-1.5 pl-6">
            <Globs name="include" label="Only in" example="*.py, src/**" pattern={pattern} />
            <Globs name="exclude" label="Not in" example="tests/**" pattern={pattern} />
          </div>
        ) : null}
      </form>
      <p role="status" className="shrink-0 px-3 py-1 text-2xs text-muted empty:hidden">
        {statusWords(state)}
      </p>
      <div ref={list} className="min-h-0 flex-1 overflow-auto">
        {status.kind === 'failed' ? (
          <Failure
            title="This could not be looked for"
            actions={<Button onClick={() => void search.run()}>Try again</Button>}
          >
            {status.message}
          </Failure>
        ) : status.kind === 'searching' && files.length === 0 ? (
          <Loading>Looking…</Loading>
        ) : status.kind === 'ready' && files.length === 0 ? (
          <Empty icon={<SearchX aria-hidden />} title="Nothing was found">
            {pattern.include || pattern.exclude ? 'Not in these files.' : null}
          </Empty>
        ) : (
          <SearchResults state={state} onEscape={() => input.current?.focus()} />
        )}
      </div>
      {previewing ? <ReplaceDialog onClose={() => setPreviewing(false)} /> : null}
    </section>
  );
}

function statusWords({ status, files, dismissed, truncated, skipped }: SearchState): string {
  if (status.kind === 'searching' && files.length > 0) return 'Looking…';
  if (status.kind !== 'ready' || files.length === 0) return '';
  const listed = files.filter(({ path }) => !dismissed.has(path));
  const matches = listed.reduce((sum, file) => sum + file.matches.length, 0);
  const more = truncated ? ' Only the first are shown.' : '';
  const left =
    skipped > 0
      ? ` ${skipped} large or unreadable ${skipped === 1 ? 'file was' : 'files were'} left out.`
      : '';
  const words = `${matches} ${matches === 1 ? 'match' : 'matches'} in ${listed.length} ${listed.length === 1 ? 'file' : 'files'}.`;
  return words + more + left;
}

interface FlagProps {
  name: 'case' | 'word' | 'regex';
  label: string;
  icon: ReactNode;
  pattern: SearchPattern;
}

function Flag({ name, label, icon, pattern }: FlagProps) {
  const { search } = useWorkspace().services;
  const on = pattern[name];
  return (
    <IconButton
      label={label}
      aria-pressed={on}
      className={on ? 'bg-selected text-accent' : ''}
      onClick={() => search.change({ [name]: !on })}
    >
      {icon}
    </IconButton>
  );
}

interface GlobsProps {
  name: 'include' | 'exclude';
  label: string;
  example: string;
  pattern: SearchPattern;
}

function Globs({ name, label, example, pattern }: GlobsProps) {
  const { search } = useWorkspace().services;
  return (
    <input
      value={pattern[name]}
      aria-label={`${label} these files`}
      placeholder={`${label}: ${example}`}
      spellCheck={false}
      autoComplete="off"
      className={INPUT}
      onChange={({ target }) => search.change({ [name]: target.value })}
    />
  );
}
