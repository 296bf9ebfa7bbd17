/** What to do with a file that is there already. */
'use client';

import { useId, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { displayName } from '@/lib/paths';
import type { ConflictAnswer, UploadsState } from './upload-state';

interface ConflictQuestionProps {
  question: UploadsState['question'];
  onAnswer: (answer: ConflictAnswer, all: boolean) => void;
  onCancel: () => void;
}

export function ConflictQuestion({ question, onAnswer, onCancel }: ConflictQuestionProps) {
  const [all, setAll] = useState(false);
  const id = useId();
  return (
    <Dialog
      alert
      open={question !== null}
      onClose={onCancel}
      title={`“${displayName(question?.path ?? '')}” is there already`}
      description="Replacing keeps what is there now in its history."
      footer={
        <>
          <Button onClick={() => onAnswer('skip', all)}>Skip</Button>
          <Button onClick={() => onAnswer('keep_both', all)}>Keep both</Button>
          <Button variant="primary" onClick={() => onAnswer('replace', all)}>
            Replace
          </Button>
        </>
      }
    >
      {question && question.others > 0 ? (
        <label htmlFor={id} className="flex items-center gap-2">
          <input id={id} type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} />
          The same for all others that are there already
        </label>
      ) : null}
    </Dialog>
  );
}
