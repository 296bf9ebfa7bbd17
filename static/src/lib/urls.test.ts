import { describe, expect, it } from 'vitest';
import { webAddress } from './urls';

describe('webAddress', () => {
  it.each(['https://two.example', 'http://127.0.0.1:8080/', 'HTTPS://two.example:8443/x'])(
    'follows %s',
    (text) => expect(webAddress(text)).not.toBeNull(),
  );

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    '//two.example',
    '/s/1/',
    'https://',
    'https://bank.example@evil.example/',
    'https:two.example',
    'ftp://two.example',
    '',
    null,
    undefined,
  ])('does not follow %j', (text) => expect(webAddress(text)).toBeNull());

  it('shows a deceptive name as the browser will resolve it', () =>
    expect(webAddress('https://аpple.example')?.host).toMatch(/^xn--/));
});
