import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCommand } from '../../../src/sip/wire/command.ts';

const parse = (text: string): ReturnType<typeof parseCommand> => parseCommand(Buffer.from(text));

describe('wire commands', () => {
  test('authenticate, with tags, without, and with an absent field', () => {
    expect(parse('u1|authenticate|cymru|red,blue')).toEqual({
      kind: 'authenticate',
      id: 'u1',
      secret: 'cymru',
      tags: ['red', 'blue'],
    });
    expect(parse('u1|authenticate|cymru|')).toMatchObject({ tags: [] });
    expect(parse('u1|authenticate|cymru')).toMatchObject({ secret: 'cymru', tags: [] });
    expect(parse(`u1|authenticate|s|${'x'.repeat(33)},o k,ok`)).toMatchObject({ tags: ['ok'] });
  });

  test('route, remove_route, ping', () => {
    expect(parse('u|route|invite')).toEqual({ kind: 'command', command: { kind: 'route', id: 'u', verb: 'invite' } });
    expect(parse('u|route|cdr:attempt')).toMatchObject({ command: { verb: 'cdr:attempt' } });
    expect(parse('u|remove_route|invite')).toEqual({
      kind: 'command',
      command: { kind: 'remove-route', id: 'u', verb: 'invite' },
    });
    expect(parse('u|ping')).toEqual({ kind: 'ping', id: 'u' });
  });

  test('a request: address fields, raw header lines, body behind the blank line whatever Content-Length says', () => {
    const text =
      'u|sip|t1|d1|sip:hop\r\nMESSAGE sip:b@x SIP/2.0\r\nX-A:  1\r\nContent-Length: 5\r\n\r\nhéllo\r\n\r\nrest';
    const command = parse(text);
    expect(command).toMatchObject({
      kind: 'command',
      command: {
        kind: 'sip',
        id: 'u',
        transactionId: 't1',
        dialogId: 'd1',
        routeUri: 'sip:hop',
        startLine: 'MESSAGE sip:b@x SIP/2.0',
      },
    });
    if (command.kind !== 'command' || command.command.kind !== 'sip') throw new Error('unreachable');
    expect(command.command.headerLines).toEqual(['X-A:  1', 'Content-Length: 5']);
    expect(command.command.body.toString()).toBe('héllo\r\n\r\nrest');
  });

  test('a message without headers or body', () => {
    expect(parse('u|sip||\r\nOPTIONS sip:b@x SIP/2.0\r\n')).toMatchObject({
      command: { startLine: 'OPTIONS sip:b@x SIP/2.0', headerLines: [] },
    });
  });

  test('proxy keeps its fields', () => {
    const text =
      'u|proxy|t1|remainInDialog|fullResponse||serial|||sip:bob@x\r\nINVITE sip:bob@x SIP/2.0\r\nX-P: 1\r\n\r\n';
    expect(parse(text)).toEqual({
      kind: 'command',
      command: {
        kind: 'proxy',
        id: 'u',
        transactionId: 't1',
        fields: ['remainInDialog', 'fullResponse', '', 'serial', '', '', 'sip:bob@x'],
        headerLines: ['X-P: 1'],
      },
    });
  });

  test('what the real server refuses is refused', () => {
    expect(parse('u|nonsense')).toEqual({ kind: 'refuse', id: 'u', text: 'Unknown message type' });
    expect(parse('')).toEqual({ kind: 'refuse', id: '', text: 'Unknown message type' });
    expect(parse('u|sip||d\r\nSIP/2.0 200 OK\r\n\r\n')).toEqual({
      kind: 'refuse',
      id: 'u',
      text: 'transaction id missing',
    });
    expect(parse('u|sip|t|d')).toMatchObject({ kind: 'refuse' });
  });

  test('no payload makes it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(parseCommand(Buffer.from(bytes)).kind).toBeDefined();
      }),
    );
  });
});
