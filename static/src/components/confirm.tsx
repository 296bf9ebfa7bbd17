/** `await confirm({…})`: a question with two answers, asked in a dialog. */
'use client';

import { createContext, useCallback, useContext, useState, type ReactNode } from 'react';
import { Button } from './button';
import { Dialog } from './dialog';

export interface Question {
  title: string;
  text: ReactNode;
  yes: string;
  danger?: boolean;
}

type Ask = (question: Question) => Promise<boolean>;

const ConfirmContext = createContext<Ask>(() => Promise.resolve(false));

export function useConfirm(): Ask {
  return useContext(ConfirmContext);
}

interface Pending extends Question {
  answer: (yes: boolean) => void;
}

export function ConfirmProvider({ children }: { children: ReactNode }) {
  const [pending, setPending] = useState<Pending | null>(null);

  const ask = useCallback<Ask>(
    (question) =>
      new Promise<boolean>((resolve) => {
        setPending((old) => {
          // A second question replaces the first, which is thereby answered with no.
          old?.answer(false);
          return { ...question, answer: resolve };
        });
      }),
    [],
  );

  const answer = (yes: boolean): void => {
    pending?.answer(yes);
    setPending(null);
  };

  return (
    <ConfirmContext value={ask}>
      {children}
      <Dialog
        alert
        open={pending !== null}
        onClose={() => answer(false)}
        title={pending?.title ?? ''}
        description={pending?.text ?? ''}
        footer={
          <>
            <Button onClick={() => answer(false)}>Cancel</Button>
            <Button variant={pending?.danger ? 'danger' : 'primary'} onClick={() => answer(true)}>
              {pending?.yes}
            </Button>
          </>
        }
      />
    </ConfirmContext>
  );
}
