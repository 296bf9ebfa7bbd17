/** What the session is doing: its meters, and its programs. */
'use client';

import { X } from 'lucide-react';
import { IconButton } from '@/components/button';
import { ProcessList } from './process-list';
import { UsageMeters } from './usage-meters';

export function ActivityPanel({ onClose }: { onClose: () => void }) {
  return (
    <section aria-label="Activity" className="flex h-full min-h-0 flex-col bg-bg">
      <header className="flex h-9 shrink-0 items-center border-b pr-1.5 pl-3">
        <h2 className="flex-1 text-xs font-semibold text-muted">Activity</h2>
        <IconButton label="Close the activity panel" onClick={onClose}>
          <X />
        </IconButton>
      </header>
      <UsageMeters />
      <div className="min-h-0 flex-1 overflow-auto pb-2" tabIndex={0} role="region" aria-label="Programs">
        <ProcessList />
      </div>
    </section>
  );
}
