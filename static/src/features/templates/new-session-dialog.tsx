/** A new session: its name, and what it begins with. */
'use client';

import { useId, useState, type FormEvent } from 'react';
import { messageOf } from '@/api/problem';
import type { Session } from '@/api/types';
import { Button } from '@/components/button';
import { Choice } from '@/components/choice';
import { Dialog } from '@/components/dialog';
import { Field } from '@/components/field';
import type { SessionOrigin } from '@/features/session/session-api';
import { LONGEST_NAME, copyName } from './copy-name';
import { SessionList } from './session-list';
import { SnapshotChoice } from './snapshot-choice';
import { TemplateList } from './template-list';

type Start = 'empty' | 'template' | 'session' | 'snapshot';

interface NewSessionDialogProps {
  initialName: string;
  sessions: readonly Session[];
  create: (name: string, origin: SessionOrigin | null) => Promise<void>;
  onClose: () => void;
}

const MISSING: Record<Exclude<Start, 'empty'>, string> = {
  template: 'Choose a template.',
  session: 'Choose the session to be duplicated.',
  snapshot: 'Choose a snapshot.',
};

export function NewSessionDialog({ initialName, sessions, create, onClose }: NewSessionDialogProps) {
  const form = useId();
  const [name, setName] = useState(initialName);
  const [start, setStart] = useState<Start>('empty');
  const [origin, setOrigin] = useState<SessionOrigin | null>(null);
  const [problem, setProblem] = useState<{ about: 'name' | 'start'; text: string } | null>(null);
  const [busy, setBusy] = useState(false);

  const choose = (next: Start): void => {
    setStart(next);
    setOrigin(null);
    setProblem(null);
  };
  /** A name nobody has typed follows what is chosen. */
  const take = (chosen: SessionOrigin, called: string): void => {
    if (name === initialName || name.trim() === '') setName(called);
    setOrigin(chosen);
    setProblem(null);
  };

  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() === '') return setProblem({ about: 'name', text: 'Type a name.' });
    if (start !== 'empty' && origin === null) return setProblem({ about: 'start', text: MISSING[start] });
    setBusy(true);
    setProblem(null);
    create(name.trim(), start === 'empty' ? null : origin)
      .then(onClose)
      .catch((error: unknown) => setProblem({ about: 'name', text: messageOf(error) }))
      .finally(() => setBusy(false));
  };

  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="New session"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} variant="primary" busy={busy}>
            Create
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={onSubmit} className="flex flex-col gap-4">
        <Field
          label="Name"
          value={name}
          maxLength={LONGEST_NAME}
          autoFocus
          autoComplete="off"
          onFocus={(event) => event.target.select()}
          onChange={(event) => setName(event.target.value)}
          problem={problem?.about === 'name' ? problem.text : null}
        />
        <div className="flex flex-col gap-2">
          <span className="font-medium">Begins</span>
          <Choice
            label="What it begins with"
            value={start}
            options={[
              ['empty', 'Empty'],
              ['template', 'From a template'],
              ['session', 'As a duplicate'],
              ['snapshot', 'From a snapshot'],
            ]}
            onChange={choose}
          />
          {start === 'template' ? (
            <TemplateList
              chosen={origin && 'template' in origin ? origin.template : null}
              onChoose={(template) => take({ template: template.id }, template.title)}
            />
          ) : start === 'session' ? (
            <SessionList
              sessions={sessions}
              chosen={origin && 'session' in origin ? origin.session : null}
              onChoose={(session) => take({ session: session.id }, copyName(session.name))}
            />
          ) : start === 'snapshot' ? (
            <SnapshotChoice
              sessions={sessions}
              chosen={origin && 'snapshot' in origin ? origin.snapshot : null}
              onSession={() => setOrigin(null)}
              onChoose={(snapshot) => take({ snapshot: snapshot.id }, snapshot.name)}
            />
          ) : null}
          {problem?.about === 'start' ? (
            <p role="alert" className="text-xs text-danger">
              {problem.text}
            </p>
          ) : null}
        </div>
      </form>
    </Dialog>
  );
}
