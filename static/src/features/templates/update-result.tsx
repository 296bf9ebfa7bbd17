/** What came of following a template: what was updated and removed, and what is to be merged by the user. */
'use client';

import type { TemplateUpdate } from '@/api/types';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';

interface UpdateResultProps {
  result: TemplateUpdate;
  onClose: () => void;
}

export function UpdateResult({ result, onClose }: UpdateResultProps) {
  const { overlay, tree: store } = useWorkspace();
  const { tree } = useStore(store.state);
  const { updated, removed, conflicts } = result;
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="The template was followed"
      description={`${updated.length} updated, ${removed.length} removed, ${conflicts.length} for you to merge.`}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="flex max-h-[45vh] flex-col gap-4 overflow-auto">
        {conflicts.length > 0 ? (
          <section>
            <h3 className="mb-1 text-xs font-semibold text-warn">Changed by you and by the template</h3>
            <ul aria-label="To be merged" className="divide-y divide-line rounded-lg border bg-panel">
              {conflicts.map(({ path, copy }) => (
                <li key={path} className="flex items-center gap-3 px-3 py-1.5">
                  <span className="min-w-0 flex-1">
                    <span className="block truncate font-mono text-xs">{displayName(path)}</span>
                    <span className="block truncate text-xs text-faint">
                      {copy
                        ? `the template’s is beside it as “${displayName(copy)}”`
                        : 'the template has nothing there any more'}
                    </span>
                  </span>
                  {!copy ? null : tree.items.has(copy) ? (
                    <Button
                      onClick={() =>
                        overlay.set({
                          kind: 'merge',
                          source: { kind: 'copy', path, copy, origin: 'template' },
                          back: { kind: 'template_update', result },
                        })
                      }
                    >
                      Merge…
                    </Button>
                  ) : (
                    <span className="text-xs text-ok">Merged</span>
                  )}
                </li>
              ))}
            </ul>
          </section>
        ) : null}
        <Paths title="Updated" paths={updated} />
        <Paths title="Removed" paths={removed} />
      </div>
    </Dialog>
  );
}

function Paths({ title, paths }: { title: string; paths: readonly string[] }) {
  if (paths.length === 0) return null;
  return (
    <section>
      <h3 className="mb-1 text-xs font-semibold text-muted">{title}</h3>
      <ul aria-label={title} className="font-mono text-xs leading-5">
        {paths.map((path) => (
          <li key={path} className="truncate">
            {displayName(path)}
          </li>
        ))}
      </ul>
    </section>
  );
}
