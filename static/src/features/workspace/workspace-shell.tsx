/** The workspace's frame: header, tree | editor over terminal, status bar. Its proportions are remembered. */
'use client';

import { useState } from 'react';
import { Group, Panel, Separator, useDefaultLayout } from 'react-resizable-panels';
import { ActivityPanel } from '@/features/activity/activity-panel';
import { useActivityShown } from '@/features/activity/use-activity-shown';
import { EditorPanel } from '@/features/editor/editor-panel';
import { useExtend } from '@/features/session/ending-banner';
import { TemplateBanner } from '@/features/templates/template-banner';
import { TerminalPanel } from '@/features/terminal/terminal-panel';
import { Overlays } from './overlays';
import { RunBanner } from './run-banner';
import { ShortcutHelp } from './shortcut-help';
import { SidePanel } from './side-panel';
import { StatusBar } from './status-bar';
import { useOpenTabsMemory } from './use-open-tabs-memory';
import { usePageKeys } from './use-page-keys';
import { useRun } from './use-run';
import { useUnloadGuard } from './use-unload-guard';
import { useWorkspace } from './workspace-context';
import { WorkspaceHeader } from './workspace-header';

export function WorkspaceShell() {
  const [help, setHelp] = useState(false);
  const [activity, setActivity] = useActivityShown();
  const run = useRun();
  const columns = useDefaultLayout({
    id: 'carrel.columns',
    onlySaveAfterUserInteractions: true,
    panelIds: activity ? ['files', 'work', 'activity'] : ['files', 'work'],
  });
  const rows = useDefaultLayout({ id: 'carrel.rows', onlySaveAfterUserInteractions: true });
  const workspace = useWorkspace();
  const extend = useExtend();
  usePageKeys({
    run,
    help: () => setHelp(true),
    activity: () => setActivity(!activity),
    extend: () => workspace.session.get().ends_at && void extend.run(),
  });
  useOpenTabsMemory();
  // Text the server has not acknowledged, and files still to be sent.
  useUnloadGuard(() => workspace.files.unsaved.get().size > 0 || workspace.services.uploads.state.get().busy);

  return (
    <div className="flex h-dvh flex-col overflow-hidden">
      <WorkspaceHeader
        onRun={run}
        onHelp={() => setHelp(true)}
        activity={activity}
        onActivity={() => setActivity(!activity)}
      />
      <RunBanner />
      <TemplateBanner />
      <main className="min-h-0 flex-1">
        <Group
          id="carrel.columns"
          {...(columns.defaultLayout ? { defaultLayout: columns.defaultLayout } : {})}
          onLayoutChanged={columns.onLayoutChanged}
        >
          <Panel
            id="files"
            defaultSize={240}
            minSize={140}
            maxSize="50%"
            groupResizeBehavior="preserve-pixel-size"
          >
            <SidePanel />
          </Panel>
          <Separator className="splitter w-px" aria-label="Width of the files" />
          <Panel id="work" minSize="30%">
            <Group
              id="carrel.rows"
              orientation="vertical"
              {...(rows.defaultLayout ? { defaultLayout: rows.defaultLayout } : {})}
              onLayoutChanged={rows.onLayoutChanged}
            >
              <Panel id="editor" minSize={80}>
                <EditorPanel />
              </Panel>
              <Separator className="splitter h-px" aria-label="Height of the editor" />
              <Panel id="terminals" defaultSize="38%" minSize={80}>
                <TerminalPanel />
              </Panel>
            </Group>
          </Panel>
          {activity ? (
            <>
              <Separator className="splitter w-px" aria-label="Width of the activity panel" />
              <Panel
                id="activity"
                defaultSize={300}
                minSize={220}
                maxSize="45%"
                groupResizeBehavior="preserve-pixel-size"
              >
                <ActivityPanel onClose={() => setActivity(false)} />
              </Panel>
            </>
          ) : null}
        </Group>
      </main>
      <StatusBar onActivity={() => setActivity(!activity)} />
      <Overlays />
      <ShortcutHelp open={help} onClose={() => setHelp(false)} />
    </div>
  );
}
