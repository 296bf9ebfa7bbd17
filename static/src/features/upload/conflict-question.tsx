/** What to do with a file that is there already. */
'use client';

import { useEffect, useId, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { displayName } from '@/lib/paths';
import type { ConflictAnswer, UploadsState } from './upload-state';

interface ConflictQuestionProps {
  question: UploadsState['question'];
  onAnswer: (answer: ConflictAnswer, all: boolean) => void;
  onCancelAll: () => void;
}

export function ConflictQuestion({ question, onAnswer, onCancelAll }: ConflictQuestionProps) {
  const [all, setAll] = useState(false);
  const id = useId();
  const others = question?.others ?? 0;
  const answer = (what: ConflictAnswer): void => onAnswer(what, all && others > 0);
  useEffect(() => {
    // The next files are others.
    if (question === null) setAll(false);
  }, [question]);
  return (
    <Dialog
      alert
      open={question !== null}
      // Going away without an answer is about this one file.
      onClose={() => onAnswer('skip', false)}
      title={`“${displayName(question?.path ?? '')}” is there already`}
      description="Replacing keeps what is there now in its history."
      footer={
        <>
          {others > 0 ? (
            <Button variant="ghost" onClick={onCancelAll}>
              Cancel all
            </Button>
          ) : null}
          <Button onClick={() => answer('skip')}>Skip</Button>
          <Button onClick={() => answer('keep_both')}>Keep both</Button>
          <Button variant="primary" onClick={() => answer('replace')}>
            Replace
          </Button>
        </>
      }
    >
      {others > 0 ? (
        <label htmlFor={id} className="flex items-center gap-2">
          <input id={id} type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} />
          The same for all others that are there already
        </label>
      ) : null}
    </Dialog>
  );
}
