/** The user's sessions, to choose one. */
'use client';

import type { Session } from '@/api/types';
import { OptionList } from '@/components/option-list';
import { Empty } from '@/components/states';
import { formatAgo } from '@/lib/format';
import { displayName } from '@/lib/paths';
import { amountWords } from './amounts';

interface SessionListProps {
  sessions: readonly Session[];
  chosen: string | null;
  onChoose: (session: Session) => void;
}

export function SessionList({ sessions, chosen, onChoose }: SessionListProps) {
  if (sessions.length === 0) return <Empty title="No sessions yet">There is nothing to be duplicated.</Empty>;
  return (
    <OptionList
      label="Sessions"
      chosen={chosen}
      options={sessions.map((session) => ({
        key: session.id,
        title: displayName(session.name),
        text: `Active ${formatAgo(session.last_active_at)}`,
        note: amountWords(session.usage),
      }))}
      onChoose={(id) => {
        const session = sessions.find((one) => one.id === id);
        if (session) onChoose(session);
      }}
    />
  );
}
