/** The page's keys on one sheet. */
'use client';

import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { KeyList } from '@/components/shortcut';
import { REVIEW_SHORTCUTS } from './review-keys';

export function ReviewHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog
      wide
      open={open}
      onClose={onClose}
      title="Keyboard shortcuts"
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
        {REVIEW_SHORTCUTS.map(([group, rows]) => (
          <section key={group}>
            <h3 className="mb-1.5 text-xs font-semibold text-muted">{group}</h3>
            <KeyList rows={rows} />
          </section>
        ))}
      </div>
    </Dialog>
  );
}
