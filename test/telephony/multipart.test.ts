import { describe, expect, it } from 'vitest';
import { formatMultipart, withOfferAlone } from '../../src/telephony/multipart.ts';
import type { InboundInvite } from '../../src/telephony/sip-ports.ts';
import { request } from './fixtures.ts';

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n';
const PLACE = '--b1\r\nContent-Type: application/pidf+xml\r\nContent-ID: <a@b>\r\n\r\n<presence/>\r\n';
const offer = (headers = 'Content-Type: application/sdp') => `--b1\r\n${headers}\r\n\r\n${SDP}\r\n`;

function invite(type: string, body: string): InboundInvite {
  const base = request('INVITE', { 'Content-Type': type });
  return { ...base, body, onCancel: () => {}, onEarly: () => {}, answer: () => {} };
}

describe('withOfferAlone', () => {
  it.each([
    ['behind the place of the caller', `${PLACE}${offer()}--b1--\r\n`],
    ['before it', `${offer()}${PLACE}--b1--`],
    ['after a preamble', `to be ignored\r\n${offer()}--b1--`],
    [
      'with parameters',
      `${offer('content-type: application/sdp;charset=utf-8\r\nContent-Disposition: session')}--b1--`,
    ],
  ])('finds the session description %s', (_, body) => {
    const alone = withOfferAlone(invite('multipart/mixed;boundary=b1', body));
    expect(alone.body.trimEnd()).toBe(SDP.trimEnd());
    expect(alone.header('content-type')).toBe('application/sdp');
    expect(alone.header('Call-ID')).toBeUndefined();
  });

  it('takes a quoted boundary', () => {
    const body = `${offer()}--b1--`.replaceAll('--b1', '--b 1');
    expect(withOfferAlone(invite('Multipart/Mixed; boundary="b 1"', body)).body).toContain('v=0');
  });

  it('keeps the place that a header can name, and nothing else', () => {
    const unnamed = PLACE.replace('Content-ID: <a@b>\r\n', '');
    const trap = PLACE.replace('<a@b>', '<a@b>;x=">"');
    const other = '--b1\r\nContent-Type: text/plain\r\nContent-ID: <c@d>\r\n\r\nhello\r\n';
    const body = `${unnamed}${trap}${other}${PLACE}${offer()}--b1--`;
    const { locations } = withOfferAlone(invite('multipart/mixed;boundary=b1', body));
    expect(locations).toEqual([{ contentId: 'a@b', text: '<presence/>\r\n' }]);
  });

  it('reads what was written with its help', () => {
    const places = [{ contentId: 'a@b', text: '<presence/>\r\n' }];
    const { type, body } = formatMultipart(SDP, places, 'xyz');
    const alone = withOfferAlone(invite(type, body));
    expect([alone.body.trimEnd(), alone.locations?.[0]?.contentId]).toEqual([SDP.trimEnd(), 'a@b']);
  });

  it.each([
    ['another type', 'application/sdp', SDP],
    ['no boundary', 'multipart/mixed', offer()],
    ['no session description', 'multipart/mixed;boundary=b1', `${PLACE}--b1--`],
    [
      'one that is encoded',
      'multipart/mixed;boundary=b1',
      offer('Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64'),
    ],
    ['a boundary of the type of a trap', 'multipart/mixed;boundary=".*"', offer()],
  ])('leaves %s as it is', (_, type, body) => {
    const asked = invite(type, body);
    expect(withOfferAlone(asked)).toBe(asked);
  });
});
