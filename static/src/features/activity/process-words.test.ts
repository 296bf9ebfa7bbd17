import { describe, expect, it } from 'vitest';
import { describeProcess } from './process-words';

describe('a command in plain words', () => {
  it.each([
    ['/bin/bash -l', 'Shell', null],
    ['-bash', 'Shell', null],
    ['bash build.sh --fast', 'build.sh', 'shell script'],
    ['sh -c make all', 'Shell command', 'make all'],
    ['python report.py --year 2026', 'report.py', 'Python program'],
    ['/usr/bin/python3.11 -u -X dev src/train.py', 'train.py', 'Python program'],
    ['python3 -m pytest -q', 'pytest -q', 'Python module'],
    ['python3 -c while True: pass', 'Python command', 'while True: pass'],
    ['python3 -q', 'Python', 'interactive'],
    ['pip install pandas', 'pip install', null],
    ['vim -u NONE notes.txt', 'notes.txt', 'open in vim'],
    ['less /var/log/syslog', 'syslog', 'shown by less'],
    ['sleep 1000', 'sleep 1000', 'waiting'],
    ['./a.out', 'a.out', null],
    ['', 'Unnamed program', null],
    ['\u001b]0;x\u0007evil', '\ufffd]0;x\ufffdevil', null],
  ])('%j', (command, title, kind) => expect(describeProcess(command)).toEqual({ title, kind }));
});
