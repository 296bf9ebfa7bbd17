/** The templates there are, to choose one. */
'use client';

import { useQuery } from '@tanstack/react-query';
import { messageOf } from '@/api/problem';
import { TEMPLATES_KEY, fetchTemplates } from '@/api/templates';
import type { Template } from '@/api/types';
import { Button } from '@/components/button';
import { OptionList } from '@/components/option-list';
import { Empty, Failure, Loading } from '@/components/states';
import { displayName } from '@/lib/paths';
import { amountWords } from './amounts';

interface TemplateListProps {
  chosen: string | null;
  onChoose: (template: Template) => void;
}

export function TemplateList({ chosen, onChoose }: TemplateListProps) {
  const templates = useQuery({ queryKey: TEMPLATES_KEY, queryFn: fetchTemplates });
  if (templates.isPending) return <Loading>Loading templates…</Loading>;
  if (templates.isError) {
    return (
      <Failure
        title="The templates could not be loaded"
        actions={<Button onClick={() => void templates.refetch()}>Try again</Button>}
      >
        {messageOf(templates.error)}
      </Failure>
    );
  }
  if (templates.data.length === 0) {
    return <Empty title="No templates yet">Operators publish them from a session’s menu.</Empty>;
  }
  return (
    <OptionList
      label="Templates"
      chosen={chosen}
      options={templates.data.map((template) => ({
        key: template.id,
        title: displayName(template.title),
        text: displayName(template.description),
        note: amountWords(template),
      }))}
      onChoose={(id) => {
        const template = templates.data.find((one) => one.id === id);
        if (template) onChoose(template);
      }}
    />
  );
}
