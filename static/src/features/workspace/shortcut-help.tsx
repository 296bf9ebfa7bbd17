/** All keys on one sheet. */
'use client';

import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Keys } from '@/components/shortcut';
import { SHORTCUTS } from './page-keys';

export function ShortcutHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
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
        {SHORTCUTS.map(([group, rows]) => (
          <section key={group}>
            <h3 className="mb-1.5 text-xs font-semibold text-muted">{group}</h3>
            <dl className="flex flex-col gap-1">
              {rows.map(([keys, text]) => (
                <div key={text} className="flex items-center justify-between gap-3">
                  <dt>{text}</dt>
                  <dd>
                    <Keys keys={keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
