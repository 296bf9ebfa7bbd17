import { describe, expect, it } from 'vitest';
import { adviceFor, reasonBeside, reasonWords, stoppedWords } from './reason';

describe('reasons', () => {
  it.each([
    ['stopped after 30 min without use', 'Stopped after 30 min without use'],
    ['stopped by an operator', 'Stopped by an operator'],
    ['out of memory: python3, 512 MiB', 'Out of memory: python3, 512 MiB'],
    [
      'the server was restarted and the sandbox was gone',
      'The server was restarted and the sandbox was gone',
    ],
    ['idle for 30 minutes', 'Stopped: idle for 30 minutes'],
    [null, 'Stopped'],
    ['', 'Stopped'],
  ])('%j reads %j', (reason, words) => expect(stoppedWords('cold', reason)).toBe(words));

  it('is not said twice beside its state', () => {
    expect(reasonBeside('cold', 'stopped by you')).toBe('by you');
    expect(reasonBeside('failed', 'out of memory: python3')).toBe('Out of memory: python3');
  });

  it('draws no character that could deceive', () =>
    expect(reasonWords('out of memory: \u202egpj.exe')).toBe('Out of memory: \ufffdgpj.exe'));

  it('has advice where there is something to do', () => {
    expect(adviceFor('out of memory: python3, 512 MiB')).toMatch(/less data/);
    expect(adviceFor('stopped by you')).toBeNull();
  });
});
