/** Just enough SDP for the peers of the bench. */
import { randomBytes } from 'node:crypto';
import type { WebEndpoint } from './load.ts';

export const token = (length: number): string => randomBytes(length).toString('hex').slice(0, length);

/** The formats of its m= line, and their attributes. */
type Formats = readonly [media: string, transport: string, attributes: string];

const pcmu: Formats = ['m=audio', 'RTP/AVP 0 101', 'a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000'];

/** Payload type of Opus, in all descriptions of the bench. */
export const opusType = 111;
const opus: Formats = ['m=audio', `RTP/AVP ${opusType}`, `a=rtpmap:${opusType} opus/48000/2`];

export const plainSdp = (ip: string, port: number): string => rtpSdp(ip, port, pcmu);

export const opusSdp = (ip: string, port: number): string => rtpSdp(ip, port, opus);

function rtpSdp(ip: string, port: number, formats: Formats): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    `c=IN IP4 ${ip}`,
    't=0 0',
    `${formats[0]} ${port} ${formats[1]}`,
    formats[2],
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n');
}

export function webSdp(web: WebEndpoint, fingerprint: string, ssrc: number): string {
  const { ip, port } = web;
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${ip}`,
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    `m=audio ${port} UDP/TLS/RTP/SAVPF 0 101`,
    `c=IN IP4 ${ip}`,
    `a=rtcp:${port} IN IP4 ${ip}`,
    `a=ice-ufrag:${web.usernameFragment}`,
    `a=ice-pwd:${web.password}`,
    `a=fingerprint:sha-256 ${fingerprint}`,
    'a=setup:actpass',
    'a=mid:0',
    'a=sendrecv',
    'a=rtcp-mux',
    `a=ssrc:${ssrc} cname:mload`,
    pcmu[2],
    `a=candidate:1 1 udp 2130706431 ${ip} ${port} typ host`,
    'a=end-of-candidates',
    '',
  ].join('\r\n');
}

export interface ParsedSdp extends WebEndpoint {
  /** The generator's DTLS role against this description. */
  readonly ourRole: 'client' | 'server';
}

const first = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';

export function parseSdp(text: string): ParsedSdp {
  const candidates = [...text.matchAll(/a=candidate:\S+ 1 udp \d+ (\d+\.\S+) (\d+) typ host/gi)];
  const best = candidates.find((candidate) => candidate[1]?.startsWith('127.')) ?? candidates[0];
  return {
    ip: best?.[1] ?? first(text, /c=IN IP4 (\S+)/),
    port: Number(best?.[2] ?? first(text, /m=audio (\d+)/)),
    usernameFragment: first(text, /a=ice-ufrag:(\S+)/),
    password: first(text, /a=ice-pwd:(\S+)/),
    ourRole: first(text, /a=setup:(\S+)/) === 'active' ? 'server' : 'client',
  };
}
