import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchPattern } from '../../src/dialplan/pattern.ts';

describe('matchPattern', () => {
  it.each([
    ['alice', 'alice', ['alice']],
    ['alice', 'alice2', undefined],
    ['alice', 'Alice', undefined],
    ['*', '', ['']],
    ['a*e', 'alice', ['alice']],
    ['?ob', 'bob', ['bob']],
    ['?ob', 'ob', undefined],
    ['1##', '123', ['123']],
    ['1##', '12a', undefined],
    ['#*', '', undefined],
    ['#*', '7', ['7']],
    ['#*', '7x', undefined],
    ['+49(#*)', '+4930', ['+4930', '30']],
    ['(*)-(*)', 'a-b-c', ['a-b-c', 'a-b', 'c']],
    ['(#*)(#)', '123', ['123', '12', '3']],
    ['x(?)(*)', 'xyz', ['xyz', 'y', 'z']],
    ['()a', 'a', ['a', '']],
    ['a.c', 'abc', undefined],
    ['[a]$^', '[a]$^', ['[a]$^']],
  ])('%s on %j', (pattern, text, groups) => {
    expect(matchPattern(pattern, text)).toEqual(groups);
  });

  it('does not hang on what would hang a regular expression', () => {
    const started = performance.now();
    expect(matchPattern(`${'*a'.repeat(63)}b`, 'a'.repeat(512))).toBeUndefined();
    expect(matchPattern('*'.repeat(128), 'a'.repeat(512))).toEqual(['a'.repeat(512)]);
    expect(matchPattern(`${'#*'.repeat(60)}x`, '1'.repeat(512))).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('refuses text that is too long', () => {
    expect(matchPattern('*', 'a'.repeat(513))).toBeUndefined();
  });

  it('agrees with a regular expression of the same meaning', () => {
    const token = fc.constantFrom('a', '1', '*', '?', '#', '#*', '(*)', '(#)');
    const meaning = (pattern: string): string =>
      pattern.replaceAll(/#\*|[*?#]/gu, (each) => ({ '#*': '\\d+', '*': '.*', '?': '.', '#': '\\d' })[each] ?? '');
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 6 }),
        fc.string({ unit: fc.constantFrom('a', '1', 'b'), maxLength: 6 }),
        (tokens, text) => {
          const pattern = tokens.join('');
          const expected = new RegExp(`^${meaning(pattern)}$`, 'u').exec(text);
          expect(matchPattern(pattern, text)).toEqual(expected === null ? undefined : [...expected]);
        },
      ),
      { seed: 3261, numRuns: 2_000 },
    );
  });
});
