import { expect, it } from 'vitest';
import { namesOf } from './names';

it.each([
  [['src/a.py'], '“a.py”'],
  [['a.py', 'b.py'], '“a.py” and “b.py”'],
  [['a', 'b', 'c', 'd', 'e'], '“a”, “b”, “c” and 2 more'],
])('%s are %s', (paths, words) => expect(namesOf(paths)).toBe(words));
