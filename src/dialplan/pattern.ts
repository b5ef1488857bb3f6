/**
 * The patterns of the rules: text in which
 *   `*`  stands for any characters, also none
 *   `?`  for one character
 *   `#`  for one digit
 *   `#*` for one digit or more
 *   `(…)` keeps what it stands for, as ${1}, ${2}, …
 * A pattern matches the whole text. No regular expressions: a rule must not be able to hang the gateway (the
 * matcher visits each pair of token and position once at most).
 */

type Token =
  | { readonly kind: 'literal'; readonly char: string }
  | { readonly kind: 'one'; readonly digit: boolean }
  | { readonly kind: 'run'; readonly digit: boolean }
  | { readonly kind: 'open' }
  | { readonly kind: 'close' };

export const MAX_PATTERN = 128;
const MAX_TEXT = 512;
const MAX_GROUPS = 9;

/** What is wrong with a pattern, undefined when nothing is. */
export function patternProblem(pattern: string): string | undefined {
  let isOpen = false;
  for (const char of pattern) {
    if (char === '(' && isOpen) return 'a group stands inside a group; close the first with ) before the next (';
    if (char === ')' && !isOpen) return 'a ) has no ( before it; remove it';
    if (char === '(') isOpen = true;
    if (char === ')') isOpen = false;
  }
  if (isOpen) return 'a ( is never closed; add the )';
  return countGroups(pattern) > MAX_GROUPS ? `more than ${MAX_GROUPS} groups` : undefined;
}

/** How many `(…)` the pattern has. */
export function countGroups(pattern: string): number {
  return pattern.split('(').length - 1;
}

/** The whole text and then what each group stands for; undefined when the pattern does not match. */
export function matchPattern(pattern: string, text: string): readonly string[] | undefined {
  if (text.length > MAX_TEXT) return undefined;
  const tokens = tokenize(pattern);
  const marks = walk(tokens, text);
  if (marks === undefined) return undefined;
  const groups = [text];
  tokens.forEach((token, index) => {
    if (token.kind === 'open') groups.push(text.slice(marks[index], marks[closing(tokens, index)]));
  });
  return groups;
}

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? '';
    if (char === '*') tokens.push({ kind: 'run', digit: false });
    else if (char === '?') tokens.push({ kind: 'one', digit: false });
    else if (char === '(') tokens.push({ kind: 'open' });
    else if (char === ')') tokens.push({ kind: 'close' });
    else if (char !== '#') tokens.push({ kind: 'literal', char });
    else {
      tokens.push({ kind: 'one', digit: true });
      if (pattern[at + 1] === '*') {
        tokens.push({ kind: 'run', digit: true });
        at += 1;
      }
    }
  }
  return tokens;
}

function closing(tokens: readonly Token[], open: number): number {
  return tokens.findIndex((token, index) => index > open && token.kind === 'close');
}

/** The position in the text at which each token stood last, so where groups open and close. Runs take as much as they can. */
function walk(tokens: readonly Token[], text: string): number[] | undefined {
  const marks: number[] = [];
  const width = text.length + 1;
  const dead = new Set<number>();

  const visit = (index: number, at: number): boolean => {
    const token = tokens[index];
    if (token === undefined) return at === text.length;
    if (dead.has(index * width + at)) return false;
    const found = advance(token, index, at);
    if (!found) dead.add(index * width + at);
    return found;
  };
  const advance = (token: Token, index: number, at: number): boolean => {
    if (token.kind === 'open' || token.kind === 'close') {
      marks[index] = at;
      return visit(index + 1, at);
    }
    const isTaken = at < text.length && accepts(token, text[at] ?? '');
    if (token.kind === 'run') return (isTaken && visit(index, at + 1)) || visit(index + 1, at);
    return isTaken && visit(index + 1, at + 1);
  };
  return visit(0, 0) ? marks : undefined;
}

function accepts(token: Extract<Token, { kind: 'literal' | 'one' | 'run' }>, char: string): boolean {
  return token.kind === 'literal' ? token.char === char : !token.digit || isDigit(char);
}

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9';
}
