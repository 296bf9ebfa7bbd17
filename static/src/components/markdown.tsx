/**
 * Markdown that somebody else wrote.
 *
 * **Invariant**: nothing in it runs, loads or leads anywhere without a click. There is no raw HTML; links lead to plain web
 * and mail addresses in another tab that knows nothing of this one; pictures are links, since fetching one would tell its
 * owner who reads this and when.
 */
'use client';

import { Component, useMemo, type ReactNode } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { cx } from '@/lib/cx';
import { webAddress } from '@/lib/urls';

/** The server takes no longer texts. */
export const LONGEST_MARKDOWN = 20_000;

/** Deeper nesting is shown as plain text: what parses and draws it calls itself for every level. */
export const DEEPEST = 64;

/** Most pairs of marks that may nest in one line. */
const MOST_MARKS = 400;

interface MarkdownProps {
  text: string;
  className?: string;
}

export function Markdown({ text, className }: MarkdownProps) {
  const plain = useMemo(() => isTooMuch(text), [text]);
  const written = <Plain text={text} />;
  return (
    <div className={cx('markdown min-w-0 break-words', className)}>
      {plain ? (
        written
      ) : (
        <Guard key={text} otherwise={written}>
          <ReactMarkdown
            remarkPlugins={[remarkGfm]}
            skipHtml
            urlTransform={(url) => linkTarget(url) ?? ''}
            components={COMPONENTS}
          >
            {text}
          </ReactMarkdown>
        </Guard>
      )}
    </div>
  );
}

/** Where a link may lead; `null` is nowhere. */
export function linkTarget(url: string): string | null {
  if (/^mailto:[^\s?]+@[^\s?]+$/i.test(url)) return url;
  return webAddress(url)?.href ?? null;
}

/** Whether a text would cost more than it is worth to be drawn as Markdown. */
export function isTooMuch(text: string): boolean {
  if (text.length > LONGEST_MARKDOWN) return true;
  return text.split('\n').some((line) => {
    const lead = /^[\s>*+\-\d.)]*/.exec(line)?.[0] ?? '';
    const levels = lead.match(/>|[*+-]|\d+[.)]/g)?.length ?? 0;
    const marks = line.match(/[[\]*_~]/g)?.length ?? 0;
    return levels > DEEPEST || lead.length > 4 * DEEPEST || marks > MOST_MARKS;
  });
}

function Plain({ text }: { text: string }) {
  return <p className="whitespace-pre-wrap">{text}</p>;
}

function Leading({ to, children }: { to: string | undefined; children: ReactNode }) {
  // Without an address it is what it says, and no link.
  if (!to) return <span>{children}</span>;
  return (
    <a href={to} title={to} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

const COMPONENTS: Components = {
  a: ({ href, children }) => <Leading to={href}>{children}</Leading>,
  img: ({ src, alt }) => (
    <Leading to={typeof src === 'string' ? src : undefined}>{`Picture: ${alt || 'without a name'}`}</Leading>
  ),
  // A heading here is none of the page's.
  h1: ({ children }) => <Heading>{children}</Heading>,
  h2: ({ children }) => <Heading>{children}</Heading>,
  h3: ({ children }) => <Heading>{children}</Heading>,
  h4: ({ children }) => <Heading>{children}</Heading>,
  h5: ({ children }) => <Heading>{children}</Heading>,
  h6: ({ children }) => <Heading>{children}</Heading>,
  pre: ({ children }) => <pre tabIndex={0}>{children}</pre>,
  code: ({ children }) => <code>{children}</code>,
  input: ({ checked }) => <span>{checked ? '☑' : '☐'}</span>,
  table: ({ children }) => (
    <div className="overflow-x-auto" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
  // Ids of footnotes are the author's words: two comments would share them.
  sup: ({ children }) => <sup>{children}</sup>,
  section: ({ children }) => <section>{children}</section>,
  li: ({ children }) => <li>{children}</li>,
};

function Heading({ children }: { children?: ReactNode }) {
  return <p className="font-semibold">{children}</p>;
}

interface GuardProps {
  children: ReactNode;
  otherwise: ReactNode;
}

/** A text that cannot be drawn takes nothing else of the page with it. */
class Guard extends Component<GuardProps, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? this.props.otherwise : this.props.children;
  }
}
