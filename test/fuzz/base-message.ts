/** Messages as peers send them, from which the mutations begin. */
import { readdirSync, readFileSync } from 'node:fs';
import { METHODS } from './anomalies.ts';
import type { Chance } from './chance.ts';

const torture = new URL('../data/rfc4475/', import.meta.url);
const CORPUS = readdirSync(torture)
  .filter((name) => name.endsWith('.dat'))
  .map((name) => readFileSync(new URL(name, torture)).toString('latin1'));

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0 8 101',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=sendrecv',
  '',
].join('\r\n');
const MULTIPART = `--b\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b--\r\n`;

/** Header lines that peers add; a few of them go into each message. */
const EXTRAS = [
  'Contact: <sip:f@127.0.0.1:5099>;expires=60;+sip.instance="<urn:uuid:1>"',
  'Contact: *',
  'Expires: 3600',
  'Route: <sip:p1.invalid;lr>, <sip:p2.invalid;lr>',
  'Record-Route: <sip:p1.invalid;lr>',
  'Authorization: Digest username="a", realm="r", nonce="n", uri="sip:x", response="00000000000000000000000000000000"',
  'Proxy-Authorization: Digest username="a",realm="r",nonce="n",qop=auth,nc=00000001,cnonce="c",uri="sip:x",response="0"',
  'Supported: 100rel, timer, replaces, path, outbound',
  'Require: 100rel',
  'Proxy-Require: nothing',
  'Allow: INVITE, ACK, BYE',
  'Session-Expires: 1800;refresher=uac',
  'Min-SE: 90',
  'RAck: 1 1 INVITE',
  'RSeq: 1',
  'Refer-To: <sip:x@y?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>',
  'Replaces: 1;to-tag=2;from-tag=3',
  'Event: presence',
  'Subscription-State: active;expires=60',
  'P-Asserted-Identity: "x" <sip:x@y>, <tel:+123>',
  'Diversion: <sip:x@y>;reason=unconditional',
  'History-Info: <sip:x@y>;index=1',
  'Reason: Q.850;cause=16;text="x"',
  'Warning: 399 h "text"',
  'Retry-After: 5 (later);duration=3',
  'Date: Sat, 13 Nov 2010 23:29:00 GMT',
  'Timestamp: 1.5',
  'User-Agent: fuzz/1',
  'Via: SIP/2.0/UDP second.invalid;branch=z9hG4bK2, SIP/2.0/TCP third.invalid',
  'k: path',
  's: compact subject',
];

/** One message, valid nearly always; requests of and outside dialogs, responses, and those of RFC 4475. */
export function baseMessage(chance: Chance, transport: string, index: number): string {
  if (chance.oneIn(8)) return chance.pick(CORPUS);
  const method = chance.pick(METHODS);
  const isResponse = chance.oneIn(8);
  const status = `${100 + chance.below(600)} Status`;
  const start = isResponse ? `SIP/2.0 ${status}` : `${method} sip:user@127.0.0.1 SIP/2.0`;
  const toTag = isResponse || chance.oneIn(3) ? ';tag=t' : '';
  const body = chance.oneIn(3) ? '' : chance.oneIn(6) ? MULTIPART : SDP;
  const type = body === MULTIPART ? 'multipart/mixed;boundary="b"' : 'application/sdp';
  const extras = Array.from({ length: chance.below(5) }, () => chance.pick(EXTRAS));
  const lines = [
    start,
    `Via: SIP/2.0/${transport.toUpperCase()} 127.0.0.1:5099;branch=z9hG4bKf${index};rport`,
    `From: "Fuzz" <sip:fuzz@127.0.0.1>;tag=f${index}`,
    `To: <sip:user@127.0.0.1>${toTag}`,
    `Call-ID: f${index}@fuzz`,
    `CSeq: ${1 + chance.below(1000)} ${method}`,
    'Max-Forwards: 70',
    ...(method === 'INVITE' ? ['Contact: <sip:fuzz@127.0.0.1:5099>'] : []),
    ...extras,
    ...(body === '' ? [] : [`Content-Type: ${type}`]),
    `Content-Length: ${body.length}`,
    '',
    body,
  ];
  return lines.join('\r\n');
}
