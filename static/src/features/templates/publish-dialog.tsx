/** For operators: the present files of this session as a template, or as the next revision of one. */
'use client';

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useId, useState, type FormEvent } from 'react';
import { messageOf } from '@/api/problem';
import { TEMPLATES_KEY, deleteTemplate, fetchTemplates, publishTemplate } from '@/api/templates';
import type { Template } from '@/api/types';
import { Button, IconButton } from '@/components/button';
import { useConfirm } from '@/components/confirm';
import { Dialog } from '@/components/dialog';
import { Field } from '@/components/field';
import { useToast } from '@/components/toasts';
import { useWorkspace } from '@/features/workspace/workspace-context';
import { displayName } from '@/lib/paths';
import { useStore } from '@/lib/store';
import { amountWords } from './amounts';
import { LONGEST_NAME } from './copy-name';

/** As many characters as the server takes. */
const LONGEST_DESCRIPTION = 1_000;

export function PublishDialog({ onClose }: { onClose: () => void }) {
  const { id, files, session: store } = useWorkspace();
  const session = useStore(store);
  const client = useQueryClient();
  const toast = useToast();
  const form = useId();
  const templates = useQuery({ queryKey: TEMPLATES_KEY, queryFn: fetchTemplates });
  const [title, setTitle] = useState(session.name);
  const [name, setName] = useState(nameOf(session.name));
  const [description, setDescription] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const known = templates.data?.find((template) => template.name === name.trim());

  const publish = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (name.trim() === '' || title.trim() === '') return setProblem('A template has a name and a title.');
    setBusy(true);
    setProblem(null);
    try {
      await files.saveDecided();
      const template = await publishTemplate({
        name: name.trim(),
        title: title.trim(),
        description: description.trim(),
        session: id,
      });
      await client.invalidateQueries({ queryKey: TEMPLATES_KEY });
      toast(`“${displayName(template.title)}” is published, revision ${template.revision}.`, 'ok');
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };

  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Publish as a template"
      description="Everybody may begin sessions with the files this session has now."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} variant="primary" busy={busy}>
            {known ? `Publish revision ${known.revision + 1}` : 'Publish'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void publish(event)} className="flex flex-col gap-3">
        <Field
          label="Title"
          value={title}
          maxLength={LONGEST_NAME}
          onChange={(event) => setTitle(event.target.value)}
        />
        <Field
          label="Name"
          value={name}
          maxLength={LONGEST_NAME}
          hint={
            known
              ? `“${displayName(known.title)}” has this name: sessions made from it are offered the new revision.`
              : 'Stays the same from revision to revision.'
          }
          problem={problem}
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label="Description"
          value={description}
          maxLength={LONGEST_DESCRIPTION}
          onChange={(event) => setDescription(event.target.value)}
        />
      </form>
      {templates.data && templates.data.length > 0 ? (
        <Published
          templates={templates.data}
          onChoose={(template) => {
            setName(template.name);
            setTitle(template.title);
            setDescription(template.description);
          }}
        />
      ) : null}
    </Dialog>
  );
}

/** A first suggestion: letters, digits and dashes. */
function nameOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

interface PublishedProps {
  templates: readonly Template[];
  onChoose: (template: Template) => void;
}

function Published({ templates, onChoose }: PublishedProps) {
  const client = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();
  const remove = async (template: Template): Promise<void> => {
    const yes = await confirm({
      title: `Delete the template “${displayName(template.title)}”?`,
      text: 'Nobody can begin a session with it any more. Sessions made from it keep their files.',
      yes: 'Delete template',
      danger: true,
    });
    if (!yes) return;
    await deleteTemplate(template.id).catch((error: unknown) => toast(messageOf(error), 'danger'));
    await client.invalidateQueries({ queryKey: TEMPLATES_KEY });
  };
  return (
    <section className="mt-5">
      <h3 className="mb-1 text-xs font-semibold text-muted">Published</h3>
      <ul aria-label="Published templates" className="divide-y divide-line rounded-lg border bg-panel">
        {templates.map((template) => (
          <li key={template.id} className="flex items-center gap-2 px-3 py-1.5">
            <p className="min-w-0 flex-1 truncate">
              <span className="font-medium">{displayName(template.title)}</span>
              <span className="text-xs text-faint">
                {' '}
                · {displayName(template.name)}, revision {template.revision} · {amountWords(template)}
              </span>
            </p>
            <Button onClick={() => onChoose(template)}>Next revision</Button>
            <IconButton
              label={`Delete ${displayName(template.title)}`}
              className="size-7"
              onClick={() => void remove(template)}
            >
              <Trash2 />
            </IconButton>
          </li>
        ))}
      </ul>
    </section>
  );
}
