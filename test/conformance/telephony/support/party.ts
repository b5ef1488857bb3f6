/** A scripted party on a raw SIP peer: it knows digest and dialogs, and does nothing by itself. */
import { createHash } from 'node:crypto';
import {
  isRequest,
  type PeerMessage,
  type ReplyParts,
  type RequestParts,
  type SipPeer,
  unique,
} from '../../../support/sip-peer.ts';
import { DOMAIN, passwordOf } from './exchange.ts';

const hash = (algorithm: string, text: string): string =>
  createHash(algorithm === 'SHA-256' ? 'sha256' : 'md5')
    .update(text)
    .digest('hex');

export interface CredentialParts {
  readonly user: string;
  readonly password?: string;
  readonly method: string;
  readonly uri: string;
  readonly nc?: number;
  readonly algorithm?: string;
  readonly nonce?: string;
  readonly withoutQop?: boolean;
}

/** The value of the header that answers `challenge`. */
export function credentialsFor(challenge: string, parts: CredentialParts): string {
  const realm = /realm="([^"]*)"/.exec(challenge)?.[1] ?? '';
  const nonce = parts.nonce ?? /nonce="([^"]*)"/.exec(challenge)?.[1] ?? '';
  const { user, method, uri, algorithm = 'MD5', password = passwordOf(user) } = parts;
  const nc = (parts.nc ?? 1).toString(16).padStart(8, '0');
  const ha1 = hash(algorithm, `${user}:${realm}:${password}`);
  const ha2 = hash(algorithm, `${method}:${uri}`);
  const start = `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}`;
  if (parts.withoutQop === true) return `${start}, response="${hash(algorithm, `${ha1}:${nonce}:${ha2}`)}"`;
  return `${start}, qop=auth, nc=${nc}, cnonce="cn", response="${hash(algorithm, `${ha1}:${nonce}:${nc}:cn:auth:${ha2}`)}"`;
}

/** An SDP with plain RTP. `extra` are lines of the audio section. */
export function rtpSdp(
  port: number,
  formats: readonly string[] = ['0 PCMU/8000', '101 telephone-event/8000'],
  extra: readonly string[] = ['a=sendrecv'],
): string {
  const types = formats.map((format) => format.split(' ')[0]).join(' ');
  const lines = [
    'v=0',
    `o=- 5 ${extra.join().length} IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP ${types}`,
  ];
  return `${[...lines, ...formats.map((format) => `a=rtpmap:${format}`), ...extra].join('\r\n')}\r\n`;
}

/** An SDP as a browser makes it, with made-up keys. */
export function webSdp(
  options: { readonly setup?: string; readonly fingerprint?: boolean; readonly formats?: readonly string[] } = {},
): string {
  const formats = options.formats ?? ['111 opus/48000/2', '0 PCMU/8000', '126 telephone-event/8000'];
  const lines = [
    'v=0',
    'o=- 7 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    `m=audio 9 UDP/TLS/RTP/SAVPF ${formats.map((format) => format.split(' ')[0]).join(' ')}`,
    'c=IN IP4 0.0.0.0',
    'a=rtcp-mux',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    ...(options.fingerprint === false ? [] : [`a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`]),
    `a=setup:${options.setup ?? 'actpass'}`,
    'a=mid:0',
    'a=sendrecv',
    ...formats.map((format) => `a=rtpmap:${format}`),
    'a=ssrc:1234 cname:party',
  ];
  return `${lines.join('\r\n')}\r\n`;
}

export const rtpPortIn = (sdp: string): number => Number(/^m=audio (\d+)/m.exec(sdp)?.[1] ?? 0);

interface Talk {
  readonly callId: string;
  readonly local: string;
  readonly remote: string;
  readonly target: string;
  cseq: number;
}

/** A dialog as one side has it. */
export class PartyDialog {
  readonly sdp: string;
  readonly #peer: SipPeer;
  readonly #talk: Talk;
  readonly #taken = new Set<string>();

  constructor(peer: SipPeer, talk: Talk, sdp: string) {
    this.#peer = peer;
    this.#talk = talk;
    this.sdp = sdp;
  }

  /** As another party would have to name it to replace this one in a dialog of the gateway (RFC 3891 §3). */
  get replaces(): string {
    const tag = (value: string): string => /tag=([^;>]+)/.exec(value)?.[1] ?? '';
    return `${this.#talk.callId};to-tag=${tag(this.#talk.remote)};from-tag=${tag(this.#talk.local)}`;
  }

  async request(method: string, parts: RequestParts = {}): Promise<PeerMessage> {
    const { callId, local, remote, target } = this.#talk;
    this.#talk.cseq += 1;
    const cseq = this.#talk.cseq;
    this.#peer.request(method, { uri: target, from: local, to: remote, callId, cseq, ...parts });
    return this.#peer.wait(
      (message) =>
        message.status >= 200 && message.header('Call-ID') === callId && message.header('CSeq') === `${cseq} ${method}`,
    );
  }

  ack(body = '', cseq = this.#talk.cseq): void {
    const { callId, local, remote, target } = this.#talk;
    this.#peer.request('ACK', { uri: target, from: local, to: remote, callId, cseq, contact: false, body });
  }

  async bye(): Promise<number> {
    return (await this.request('BYE')).status;
  }

  async next(method: string, ms?: number): Promise<PeerMessage> {
    return this.#peer.wait(
      (message) =>
        message.method === method &&
        message.header('Call-ID') === this.#talk.callId &&
        // The INVITE that made the dialog may come again, when its 200 was late.
        (method !== 'INVITE' || message.header('To').includes('tag=')),
      ms,
    );
  }

  /** Waits for a request and answers it. */
  async take(method: string, status = 200, parts: ReplyParts = {}): Promise<PeerMessage> {
    for (;;) {
      const request = await this.next(method);
      this.#peer.reply(request, status, parts);
      const cseq = request.header('CSeq');
      // One that was sent again because our answer came late is not another one.
      if (!this.#taken.has(cseq)) {
        this.#taken.add(cseq);
        return request;
      }
    }
  }

  /** Waits for a BYE and answers it. */
  async awaitBye(ms?: number): Promise<PeerMessage> {
    const bye = await this.next('BYE', ms);
    this.#peer.reply(bye, 200);
    return bye;
  }
}

const uriIn = (value: string): string => /<([^>]+)>/.exec(value)?.[1] ?? value;

export class Party {
  readonly peer: SipPeer;
  readonly user: string;
  readonly #registration = unique('reg');
  #cseq = 0;

  constructor(peer: SipPeer, user: string) {
    this.peer = peer;
    this.user = user;
  }

  get aor(): string {
    return `sip:${this.user}@${DOMAIN}`;
  }

  /** A contact; of a browser it cannot be resolved. */
  get contact(): string {
    return this.peer.transport === 'ws'
      ? `<sip:${this.user}@${this.#registration}.invalid;transport=ws>`
      : `<sip:${this.user}@${this.peer.address}${['tcp', 'tls'].includes(this.peer.transport) ? `;transport=${this.peer.transport}` : ''}>`;
  }

  async register(parts: RequestParts & { readonly expires?: number } = {}): Promise<PeerMessage> {
    const { expires = 300, headers = [], ...rest } = parts;
    return this.ask('REGISTER', {
      uri: `sip:${DOMAIN}`,
      to: `<${this.aor}>`,
      callId: this.#registration,
      contact: this.contact,
      ...rest,
      headers: [`Expires: ${expires}`, ...headers],
    });
  }

  /** Sends a request, with credentials when it is challenged; gives the final response. ACKs refusals of an INVITE. */
  async ask(method: string, parts: RequestParts): Promise<PeerMessage> {
    const request = {
      from: `<${this.aor}>;tag=${unique('t')}`,
      callId: unique('call'),
      contact: this.contact,
      ...parts,
    };
    const uri = parts.uri ?? `sip:${DOMAIN}`;
    const first = await this.#once(method, request);
    const isProxy = first.status === 407;
    if (first.status !== 401 && !isProxy) return first;
    const challenge = first.headers(isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate').at(-1) ?? '';
    const credentials = credentialsFor(challenge, { user: this.user, method, uri });
    return this.#once(method, {
      ...request,
      headers: [...(parts.headers ?? []), `${isProxy ? 'Proxy-Authorization' : 'Authorization'}: ${credentials}`],
    });
  }

  /** An INVITE as far as it went: the final response, and the dialog of a 200. */
  async invite(
    target: string,
    body: string,
    parts: RequestParts = {},
  ): Promise<{ response: PeerMessage; dialog: PartyDialog | undefined }> {
    const uri = `sip:${target}@${DOMAIN}`;
    const from = `<${this.aor}>;tag=${unique('t')}`;
    const callId = unique('call');
    const response = await this.ask('INVITE', { uri, from, to: `<${uri}>`, callId, body, ...parts });
    if (response.status !== 200) return { response, dialog: undefined };
    const talk = {
      callId,
      local: from,
      remote: response.header('To'),
      target: uriIn(response.header('Contact')),
      cseq: Number.parseInt(response.header('CSeq'), 10),
    };
    return { response, dialog: new PartyDialog(this.peer, talk, response.body) };
  }

  /** Calls and confirms; fails when refused. */
  async call(target: string, body: string, parts: RequestParts = {}): Promise<PartyDialog> {
    const { response, dialog } = await this.invite(target, body, parts);
    if (dialog === undefined) throw new Error(`${this.user} was refused: ${response.startLine}`);
    dialog.ack();
    return dialog;
  }

  async nextInvite(ms?: number): Promise<PeerMessage> {
    return this.peer.wait((message) => isRequest('INVITE')(message) && !message.header('To').includes('tag='), ms);
  }

  /** Answers an INVITE that has come, and waits for the ACK. */
  async accept(invite: PeerMessage, body: string, parts: ReplyParts = {}): Promise<PartyDialog> {
    const tag = parts.tag ?? unique('at');
    this.peer.reply(invite, 200, { contact: this.contact, ...parts, tag, body });
    const dialog = this.dialogOf(invite, tag);
    await dialog.next('ACK');
    return dialog;
  }

  dialogOf(invite: PeerMessage, tag: string): PartyDialog {
    const talk = {
      callId: invite.header('Call-ID'),
      local: `${invite.header('To')};tag=${tag}`,
      remote: invite.header('From'),
      target: uriIn(invite.header('Contact')),
      cseq: 0,
    };
    return new PartyDialog(this.peer, talk, invite.body);
  }

  async #once(method: string, parts: RequestParts & { from: string; callId: string }): Promise<PeerMessage> {
    this.#cseq += 1;
    const cseq = this.#cseq;
    const branch = unique('z9hG4bK');
    this.peer.request(method, { ...parts, branch, cseq });
    const answer = await this.peer.wait(
      (message) =>
        message.status >= 200 &&
        message.header('Call-ID') === parts.callId &&
        message.header('CSeq') === `${cseq} ${method}`,
      8_000,
    );
    if (method === 'INVITE' && answer.status >= 300) {
      this.peer.request('ACK', {
        uri: parts.uri ?? '',
        from: parts.from,
        to: answer.header('To'),
        callId: parts.callId,
        branch,
        cseq,
        contact: false,
      });
    }
    return answer;
  }
}
