import { createHash } from 'node:crypto';
import type { ProfilePolicy } from '../../src/telephony/options.ts';
import type { InboundRequest, SipHeaders, SipSource } from '../../src/telephony/sip-ports.ts';

export const DOMAIN = 'unit.test';

export const profile: ProfilePolicy = {
  name: 'phones',
  media: 'rtp',
  codecs: ['PCMU'],
  nat: { source: 'latch' },
  auth: { required: true, algorithms: ['MD5'], nonceLifetimeSec: 60 },
  registration: { minExpiresSec: 60, maxExpiresSec: 3600, maxContacts: 3 },
  transfer: { refer: 'bridge' },
  dtmf: 'rfc4733',
};

export interface Reply {
  readonly status: number;
  readonly headers: SipHeaders;
}

export interface FakeRequest extends InboundRequest {
  readonly replies: Reply[];
}

export function request(
  method: string,
  headers: SipHeaders,
  parts: { readonly uri?: string; readonly source?: SipSource } = {},
): FakeRequest {
  const replies: Reply[] = [];
  const find = (name: string): string | undefined =>
    Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  return {
    method,
    uri: parts.uri ?? `sip:${DOMAIN}`,
    sipCallId: headers['Call-ID'] ?? 'call-1',
    source: parts.source ?? { transport: 'udp', address: '192.0.2.10', port: 5062 },
    body: '',
    headerNames: Object.keys(headers),
    header: find,
    reply: (status, replyHeaders = {}) => replies.push({ status, headers: replyHeaders }),
    replies,
  };
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

export interface DigestParts {
  readonly nonce: string;
  readonly user?: string;
  readonly password?: string;
  readonly method?: string;
  readonly uri?: string;
  readonly nc?: string;
  readonly realm?: string;
}

export function digest({
  nonce,
  user = 'alice',
  password = 'pw',
  method = 'REGISTER',
  uri = `sip:${DOMAIN}`,
  nc = '00000001',
  realm = DOMAIN,
}: DigestParts): string {
  const response = md5(`${md5(`${user}:${realm}:${password}`)}:${nonce}:${nc}:c:auth:${md5(`${method}:${uri}`)}`);
  return `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", qop=auth, nc=${nc}, cnonce="c", response="${response}", algorithm=MD5`;
}
