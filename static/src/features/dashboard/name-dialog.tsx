/** Asks for a name and stays open, with the reason, when the server refuses it. */
'use client';

import { useId, useState, type FormEvent } from 'react';
import { messageOf } from '@/api/problem';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Field } from '@/components/field';

interface NameDialogProps {
  title: string;
  label: string;
  action: string;
  initial: string;
  submit: (name: string) => Promise<void>;
  onClose: () => void;
}

export function NameDialog({ title, label, action, initial, submit, onClose }: NameDialogProps) {
  const form = useId();
  const [name, setName] = useState(initial);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() === '') return setProblem('Type a name.');
    setBusy(true);
    setProblem(null);
    submit(name.trim())
      .then(onClose)
      .catch((error: unknown) => setProblem(messageOf(error)))
      .finally(() => setBusy(false));
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} variant="primary" busy={busy}>
            {action}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={onSubmit}>
        <Field
          label={label}
          value={name}
          maxLength={100}
          autoFocus
          autoComplete="off"
          onFocus={(event) => event.target.select()}
          onChange={(event) => setName(event.target.value)}
          problem={problem}
        />
      </form>
    </Dialog>
  );
}
