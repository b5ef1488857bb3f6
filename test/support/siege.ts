/** A gateway under attack, and a trunk and a phone that go about their business meanwhile. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Gateway } from './gateway.ts';
import { offerSdp, type PeerMessage, type SipPeer, unique } from './sip-peer.ts';

export interface LegitimateCall {
  /** From the INVITE to the 200. */
  readonly setUpMs: number;
  /** Re-INVITEs it and waits for the answer. */
  refresh(): Promise<number>;
  /** Hangs up; the status of the answer. */
  bye(): Promise<number>;
}

/** Calls the gateway's echo from a trunk. Rejects when it is not answered in `withinMs`. */
export async function callEcho(peer: SipPeer, gateway: Gateway, withinMs = 10_000): Promise<LegitimateCall> {
  const callId = unique('siege');
  const tag = unique('st');
  const uri = `sip:echo@${gateway.sipAddress}`;
  const final = (method: string, cseq: number) => (message: PeerMessage) =>
    message.status >= 200 && message.header('Call-ID') === callId && message.header('CSeq') === `${cseq} ${method}`;
  const startedAt = performance.now();
  const text = peer.request('INVITE', { uri, to: `<${uri}>`, callId, tag, body: offerSdp() });
  const repeat = setInterval(() => peer.sendRaw(text), 500);
  const answer = await peer.wait(final('INVITE', 1), withinMs).finally(() => clearInterval(repeat));
  const setUpMs = performance.now() - startedAt;
  if (answer.status !== 200) throw new Error(`a legitimate call was refused: ${answer.startLine}`);
  const dialog = { uri: /<([^>]*)>/.exec(answer.header('Contact'))?.[1] ?? uri, to: answer.header('To'), callId, tag };
  peer.request('ACK', { ...dialog, cseq: 1 });
  let cseq = 1;
  const within = async (method: string, body?: string): Promise<number> => {
    cseq += 1;
    const sent = peer.request(method, { ...dialog, cseq, ...(body === undefined ? {} : { body }) });
    const again = setInterval(() => peer.sendRaw(sent), 500);
    const { status } = await peer.wait(final(method, cseq), withinMs).finally(() => clearInterval(again));
    if (method === 'INVITE') peer.request('ACK', { ...dialog, cseq });
    return status;
  };
  return { setUpMs, refresh: () => within('INVITE', offerSdp(40_002)), bye: () => within('BYE') };
}

/** Registers `user` from a phone; the status. */
export async function registerPhone(peer: SipPeer, gateway: Gateway, user: string): Promise<number> {
  const uri = `sip:${gateway.domain}`;
  const callId = unique('reg');
  const aor = `<sip:${user}@${gateway.domain}>`;
  const own = (cseq: number) => (message: PeerMessage) =>
    message.header('Call-ID') === callId && message.header('CSeq') === `${cseq} REGISTER` && message.status >= 200;
  const ask = async (cseq: number, headers: readonly string[]): Promise<PeerMessage> => {
    const text = peer.request('REGISTER', { uri, from: `${aor};tag=r1`, to: aor, callId, cseq, headers });
    const repeat = setInterval(() => peer.sendRaw(text), 500);
    return peer.wait(own(cseq), 10_000).finally(() => clearInterval(repeat));
  };
  const challenge = (await ask(1, [])).header('WWW-Authenticate');
  const [realm = '', nonce = ''] = ['realm', 'nonce'].map(
    (name) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1],
  );
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const { password } = gateway.credentials(user);
  const response = md5(`${md5(`${user}:${realm}:${password}`)}:${nonce}:00000001:c:auth:${md5(`REGISTER:${uri}`)}`);
  const credentials =
    `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
    'algorithm=MD5, qop=auth, nc=00000001, cnonce="c"';
  return (await ask(2, [`Authorization: ${credentials}`])).status;
}

/** Memory of a process that is in use, in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}
