/** Typing a name in place: Enter takes it, Escape gives up, leaving it takes what was typed if it can be one. */
'use client';

import { useEffect, useId, useRef, useState, type ComponentProps, type KeyboardEvent } from 'react';

export interface NameFieldOptions {
  initial: string;
  label: string;
  /** How many characters are selected at first; all when absent. */
  selected?: number;
  /** Brings what was typed into the form in which it is checked and submitted. */
  clean?: (name: string) => string;
  /** Why a name cannot be taken, before anybody is asked. */
  check: (name: string) => string | null;
  /** Resolves to why the name was refused, or `null`. */
  submit: (name: string) => Promise<string | null>;
  onDone: (end: NameFieldEnd) => void;
}

/** How the typing of a name ended. */
export interface NameFieldEnd {
  /** The name was submitted and taken. */
  saved: boolean;
  /** By a key, so the focus belongs back where it was; otherwise the user has gone elsewhere. */
  keyboard: boolean;
}

interface NameField {
  name: string;
  problem: string | null;
  /** Id for the element that shows the problem. */
  note: string;
  input: ComponentProps<'input'>;
}

export function useNameField(options: NameFieldOptions): NameField {
  const { initial, selected = initial.length, clean = (name) => name } = options;
  const [name, setName] = useState(initial);
  const [problem, setProblem] = useState<string | null>(null);
  const element = useRef<HTMLInputElement>(null);
  const busy = useRef(false);
  const note = useId();

  useEffect(() => {
    // A closing menu still has the focus in this turn.
    const timer = setTimeout(() => {
      element.current?.focus();
      element.current?.setSelectionRange(0, selected);
    }, 0);
    return () => clearTimeout(timer);
  }, [selected]);

  const finish = async (keyboard: boolean): Promise<void> => {
    if (busy.current) return;
    const wanted = clean(name);
    if (wanted === initial) return options.onDone({ saved: false, keyboard });
    const wrong = options.check(wanted);
    if (wrong !== null) return keyboard ? setProblem(wrong) : options.onDone({ saved: false, keyboard });
    busy.current = true;
    const refused = await options.submit(wanted);
    if (refused === null) return options.onDone({ saved: true, keyboard });
    busy.current = false;
    setProblem(refused);
    element.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    // Enter and Escape belong to the input method while it composes.
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter') void finish(true);
    else if (event.key === 'Escape') {
      // Losing the focus on the way out must not submit after all.
      busy.current = true;
      options.onDone({ saved: false, keyboard: true });
    }
  };

  return {
    name,
    problem,
    note,
    input: {
      ref: element,
      value: name,
      'aria-label': options.label,
      'aria-invalid': problem !== null,
      'aria-describedby': problem ? note : undefined,
      spellCheck: false,
      autoComplete: 'off',
      onChange: (event) => {
        setName(event.target.value);
        setProblem(null);
      },
      onKeyDown,
      onBlur: (event) => {
        // The menu this was chosen from may still hold on to the focus; that is not the user leaving.
        if (event.relatedTarget?.closest('[role="menu"]')) setTimeout(() => element.current?.focus(), 0);
        else void finish(false);
      },
    },
  };
}
