import { describe, expect, test } from 'vitest';
import { dialTarget } from '../../../src/web/softphone/dial-target.ts';

describe('what people type', () => {
  test.each([
    ['echo', 'sip:echo@gw.example'],
    [' bob ', 'sip:bob@gw.example'],
    ['+49 (30) 123-45', 'sip:+493012345@gw.example'],
    ['*21#', 'sip:*21%23@gw.example'],
    ['bob@other.example', 'sip:bob@other.example'],
    ['sip:bob@other.example', 'sip:bob@other.example'],
    ['SIPS:bob@other.example', 'SIPS:bob@other.example'],
    ['mary-ann', 'sip:mary-ann@gw.example'],
  ])('%s is %s', (typed, uri) => {
    expect(dialTarget(typed, 'gw.example')).toBe(uri);
  });

  test.each(['', '  ', 'two words', 'a<b>', 'a@b@c', 'sip:', 'http://x'])('"%s" cannot be called', (typed) => {
    expect(dialTarget(typed, 'gw.example')).toBeUndefined();
  });
});
