import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptedHeaders, canonicalValue, sentHeaders } from '../../src/telephony/passed-headers.ts';
import { request } from './fixtures.ts';

const ALL = ['Diversion', 'History-Info', 'Referred-By', 'User-to-User', 'X-*'];
const accept = (headers: Record<string, string>, list = ALL) => acceptedHeaders(request('INVITE', headers), list);
const OPEN = { send: ALL, isTrusted: true, hides: false };

describe('acceptedHeaders', () => {
  it('takes what is listed, under one spelling', () => {
    expect(accept({ 'x-acme-id': '7', 'X-OTHER': '8', b: '<sip:a@b.example>' }, ['X-Acme-*', 'referred-by'])).toEqual({
      'X-Acme-Id': '7',
      'Referred-By': '<sip:a@b.example>',
    });
    expect(accept({ 'X-Acme-Id': '7' }, [])).toEqual({});
  });

  it.each([
    'Via',
    'From',
    'Route',
    'Contact',
    'Require',
    'P-Asserted-Identity',
    'Privacy',
    'X-Viaduct-Peer-Names',
    'i',
  ])('T11 never takes %s, whatever is listed', (name) => {
    expect(accept({ [name]: 'x' }, [name, '*'])).toEqual({});
  });

  it.each(['X-Viaduct-A ', 'X-Viaduct-A\t', 'x-viaduct-a\u0000', ' X-Viaduct-A', 'X-A: b\r\nVia', 'X-'])(
    'T11 never takes the name %j',
    (name) => {
      expect(accept({ [name]: 'x' })).toEqual({});
    },
  );

  it('T15 bounds how many and how long', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`X-N${index}`, '1']));
    expect(Object.keys(accept(many))).toHaveLength(16);
    expect(accept({ 'X-Long': 'x'.repeat(1_025) })).toEqual({});
  });

  it('T15 whatever comes in, nothing leaves that could end a line', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ALL, 'X-Any'),
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `"${text}\r\nVia: x" <sip:a@b.example>;c=d`),
        ),
        (name, value) => {
          // oxlint-disable-next-line eslint/no-control-regex
          expect(canonicalValue(name, value) ?? '').not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
        },
      ),
    );
  });
});

describe('canonicalValue', () => {
  it.each([
    ['User-to-User', '5468;encoding=hex', '5468;encoding=hex'],
    ['User-to-User', '"a b" ; purpose="x y"', '"a b" ; purpose="x y"'],
    ['User-to-User', 'a b', undefined],
    ['User-to-User', '', undefined],
    ['Diversion', 'sip:a@b.example;reason=unknown', '<sip:a@b.example>;reason=unknown'],
    ['Diversion', '<sip:a@b.example>, garbage', undefined],
    ['Referred-By', '<sip:a@b.example>, <sip:c@d.example>', undefined],
    ['X-A', '  a \u001b[1m\r\n  b  ', 'a [1m b'],
  ])('%s: %j is %j', (name, value, result) => {
    expect(canonicalValue(name, value)).toBe(result);
  });
});

describe('sentHeaders', () => {
  const accepted = {
    Diversion: '<sip:a@b.example>;privacy=full, <sip:c@d.example>;privacy=off',
    'History-Info': '<sip:a@b.example?Privacy=history>;index=1',
    'X-A': '1',
  };

  it('tells a trusted side all of it', () => {
    expect(sentHeaders(accepted, OPEN)).toEqual(accepted);
  });

  it('leaves out what is private towards the others', () => {
    const told = sentHeaders(accepted, { ...OPEN, isTrusted: false });
    expect(told).toEqual({ Diversion: '<sip:c@d.example>;privacy=off', 'X-A': '1' });
  });

  it('tells nobody untrusted who was involved when the caller hides', () => {
    expect(sentHeaders(accepted, { ...OPEN, isTrusted: false, hides: true })).toEqual({ 'X-A': '1' });
  });

  it('sends nothing that is not listed', () => {
    expect(sentHeaders(accepted, { ...OPEN, send: undefined })).toEqual({});
  });
});
