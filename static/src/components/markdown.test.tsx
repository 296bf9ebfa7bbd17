import { render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { DEEPEST, LONGEST_MARKDOWN, Markdown, isTooMuch, linkTarget } from './markdown';

const HOSTILE: readonly string[] = [
  '<script>window.hit = 1</script>',
  '<img src=x onerror="window.hit = 1">',
  'text <img src="https://evil.example/pixel.png"> text',
  '![x](https://evil.example/pixel.png)',
  '![x](x" onerror="window.hit=1)',
  '![ref][r]\n\n[r]: https://evil.example/pixel.png "title"',
  '[x](javascript:window.hit=1)',
  '[x](JaVaScRiPt:window.hit=1)',
  '[x](&#106;avascript:window.hit=1)',
  '[x](java\tscript:window.hit=1)',
  '[x](data:text/html,<script>window.hit=1</script>)',
  '[x](vbscript:msgbox(1))',
  '[x](blob:https://here/1)',
  '[x](file:///etc/passwd)',
  '[x](//evil.example/path)',
  '[x](/api/v1/auth/logout)',
  '[x](https://good.example@evil.example/)',
  '<javascript:window.hit=1>',
  '[r]: javascript:window.hit=1\n\n[x][r]',
  '<svg onload="window.hit=1"><script>window.hit=1</script></svg>',
  '<math><mi xlink:href="javascript:window.hit=1">x</mi></math>',
  '<iframe src="javascript:window.hit=1"></iframe>',
  '<iframe srcdoc="<script>window.hit=1</script>"></iframe>',
  '<a href="javascript:window.hit=1">x</a>',
  '<form action="/api/v1/auth/logout"><input type=submit></form>',
  '<style>* { display: none }</style>',
  '<link rel=stylesheet href=https://evil.example/x.css>',
  '<meta http-equiv=refresh content="0;url=https://evil.example">',
  '<base href="https://evil.example/">',
  '<!-- <script>window.hit=1</script> -->',
  '<!--><img src=x onerror=window.hit=1>-->',
  '<![CDATA[<script>window.hit=1</script>]]>',
  '<?php echo 1 ?>',
  '```html\n<script>window.hit=1</script>\n```',
  '```"><script>window.hit=1</script>\ncode\n```',
  '`<img src=x onerror=window.hit=1>`',
  '| <img src=x onerror=window.hit=1> | b |\n|---|---|\n| <script>window.hit=1</script> | b |',
  'note[^1]\n\n[^1]: <img src=x onerror=window.hit=1>',
  '- [x] <input autofocus onfocus=window.hit=1>',
  '<div style="position:fixed;inset:0;background:red">over all of the page</div>',
  '<details open ontoggle=window.hit=1>x</details>',
  '&lt;script&gt;window.hit=1&lt;/script&gt;',
  '\u202egnp.exe\u202c',
];

const ALLOWED = new Set(
  'DIV P SPAN A EM STRONG DEL CODE PRE UL OL LI BLOCKQUOTE TABLE THEAD TBODY TR TH TD HR BR SUP SECTION'.split(
    ' ',
  ),
);
const ATTRIBUTES = new Set(['class', 'href', 'title', 'target', 'rel', 'tabindex', 'style', 'start']);

describe('Markdown that somebody else wrote', () => {
  it.each(HOSTILE)('runs and loads nothing: %s', (text) => {
    const { container } = render(<Markdown text={text} />);
    for (const element of container.querySelectorAll('*')) {
      expect(ALLOWED).toContain(element.tagName);
      for (const { name, value } of element.attributes) {
        expect(ATTRIBUTES).toContain(name);
        if (name === 'style') expect(value).toMatch(/^text-align: (left|right|center);?$/);
        if (name === 'href') expect(value).toMatch(/^https?:\/\/[^@]+$/);
      }
    }
    for (const link of container.querySelectorAll('a')) {
      expect(link.rel).toBe('noopener noreferrer nofollow');
      expect(link.target).toBe('_blank');
    }
    expect('hit' in window).toBe(false);
  });

  it('shows a picture as a link to it', () => {
    const { container } = render(<Markdown text="![a cat](https://pictures.example/cat.png)" />);
    expect(screen.getByRole('link', { name: 'Picture: a cat' })).toHaveAttribute(
      'href',
      'https://pictures.example/cat.png',
    );
    expect(container.querySelector('img')).toBeNull();
  });

  it('keeps what is written: code, lists, tables, links', () => {
    const { container } = render(
      <Markdown
        text={'# Why\n\n- **bold** `x < 1`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nhttps://docs.example/page'}
      />,
    );
    expect(container.querySelector('strong')).toHaveTextContent('bold');
    expect(container.querySelector('code')).toHaveTextContent('x < 1');
    expect(container.querySelectorAll('td')).toHaveLength(2);
    expect(screen.getByRole('link')).toHaveAttribute('href', 'https://docs.example/page');
    expect(screen.queryByRole('heading')).toBeNull();
  });

  it.each([
    ['quotes', '>'.repeat(5_000)],
    ['lists', '- '.repeat(5_000)],
    ['numbers', '1. '.repeat(5_000)],
    ['brackets', '['.repeat(10_000)],
    ['links in links', '['.repeat(3_000) + 'x' + '](https://x.example)'.repeat(3_00)],
    ['emphasis', '*a '.repeat(6_000)],
    ['indents', Array.from({ length: 180 }, (_, at) => ' '.repeat(at) + '- x').join('\n')],
    ['length', 'x'.repeat(LONGEST_MARKDOWN + 1)],
  ])('draws a huge nesting of %s without falling over', (_, text) => {
    const start = performance.now();
    const { container } = render(<Markdown text={text} />);
    expect(container).toHaveTextContent(/./);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it('counts levels', () => {
    expect(isTooMuch('> '.repeat(DEEPEST) + 'x')).toBe(false);
    expect(isTooMuch('> '.repeat(DEEPEST + 1) + 'x')).toBe(true);
  });

  it('says where a link may lead', () => {
    for (const [url, target] of [
      ['https://a.example/b', 'https://a.example/b'],
      ['http://a.example/', 'http://a.example/'],
      ['mailto:ada@example.org', 'mailto:ada@example.org'],
      ['mailto:ada@example.org?body=x', null],
      ['ftp://a.example/', null],
      ['javascript:1', null],
      ['#here', null],
      ['', null],
    ] as const) {
      expect(linkTarget(url)).toBe(target);
    }
  });
});
