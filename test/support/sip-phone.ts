/** A SIP phone made of text over UDP: registers and calls with digest, answers, hangs up. Its RTP is somebody else's. */
import { createHash, randomBytes } from 'node:crypto';
import { isRequest, openUdpPeer, type PeerMessage, type RequestParts, type SipPeer, unique } from './sip-peer.ts';

export interface PhoneOptions {
  readonly user: string;
  /** Undefined: never challenged, as a trunk. */
  readonly password?: string;
  readonly domain: string;
  /** SIP port of the gateway on loopback. */
  readonly gatewayPort: number;
}

type CancelKey = 'uri' | 'from' | 'to' | 'callId' | 'branch' | 'cseq';

/** One side of a confirmed dialog. */
export interface PhoneDialog {
  readonly remoteSdp: string;
  /** Sends BYE; resolves with the status of its answer. */
  bye(): Promise<number>;
  /** Waits for the other side's BYE and answers it; gives the time of its arrival, performance.now(). */
  awaitBye(within?: number): Promise<number>;
}

export class CallRefused extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const isFinal =
  (callId: string, cseq: number) =>
  (message: PeerMessage): boolean =>
    message.status >= 200 &&
    message.header('Call-ID') === callId &&
    message.header('CSeq').startsWith(`${cseq} `) &&
    !message.header('CSeq').endsWith('CANCEL');

/** The RTP port that an SDP names. */
export function rtpPortOf(sdp: string): number {
  return Number(/^m=audio (\d+)/m.exec(sdp)?.[1] ?? 0);
}

/** An audio offer or answer: `formats` as in `0 PCMU/8000`. */
export function audioSdp(port: number, formats: readonly string[], extra: readonly string[] = []): string {
  const types = formats.map((format) => format.split(' ')[0]);
  const lines = ['v=0', 'o=- 7 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
  lines.push(`m=audio ${port} RTP/AVP ${types.join(' ')}`, ...formats.map((format) => `a=rtpmap:${format}`), ...extra);
  return `${[...lines, 'a=ptime:20', 'a=sendrecv'].join('\r\n')}\r\n`;
}

export class SipPhone {
  readonly peer: SipPeer;
  readonly #options: PhoneOptions;
  readonly #callId = unique('reg');
  #cseq = 0;

  private constructor(peer: SipPeer, options: PhoneOptions) {
    this.peer = peer;
    this.#options = options;
  }

  static async open(options: PhoneOptions): Promise<SipPhone> {
    return new SipPhone(await openUdpPeer({ port: options.gatewayPort }), options);
  }

  get #aor(): string {
    return `sip:${this.#options.user}@${this.#options.domain}`;
  }

  async register(expiresSec = 300): Promise<PeerMessage> {
    const uri = `sip:${this.#options.domain}`;
    const parts = { uri, from: `<${this.#aor}>;tag=${unique('t')}`, to: `<${this.#aor}>`, callId: this.#callId };
    const answer = await this.#ask('REGISTER', parts, [`Expires: ${expiresSec}`]);
    if (answer.status !== 200) throw new CallRefused(answer.status);
    return answer;
  }

  /** Calls; resolves when answered, throws CallRefused otherwise. When `giveUp` resolves it sends CANCEL. */
  async call(target: string, sdp: string, giveUp?: Promise<void>): Promise<PhoneDialog> {
    const uri = target.startsWith('sip:') ? target : `sip:${target}@${this.#options.domain}`;
    const from = `<${this.#aor}>;tag=${unique('t')}`;
    const callId = unique('call');
    const answer = await this.#ask('INVITE', { uri, from, to: `<${uri}>`, callId, body: sdp }, [], giveUp);
    if (answer.status !== 200) throw new CallRefused(answer.status);
    const cseq = Number.parseInt(answer.header('CSeq'), 10);
    const contact = /<([^>]+)>/.exec(answer.header('Contact'))?.[1] ?? uri;
    const inDialog = { uri: contact, from, to: answer.header('To'), callId };
    this.peer.request('ACK', { ...inDialog, cseq, contact: false });
    return this.#dialog(answer.body, callId, (method) => this.#inDialog(method, { ...inDialog, cseq: cseq + 1 }));
  }

  /** Waits for a call, rings, answers it. */
  async answer(
    sdpFor: (offer: string) => string,
    options: { within?: number; afterMs?: number } = {},
  ): Promise<PhoneDialog> {
    const invite = await this.peer.wait(isRequest('INVITE'), options.within ?? 8_000);
    const tag = unique('at');
    this.peer.reply(invite, 180, { tag });
    if (options.afterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.afterMs));
    this.peer.reply(invite, 200, { tag, body: sdpFor(invite.body) });
    const callId = invite.header('Call-ID');
    await this.peer.wait((message) => message.method === 'ACK' && message.header('Call-ID') === callId, 5_000);
    const contact = /<([^>]+)>/.exec(invite.header('Contact'))?.[1] ?? '';
    const inDialog = {
      uri: contact,
      from: `${invite.header('To')};tag=${tag}`,
      to: invite.header('From'),
      callId,
      cseq: 1,
    };
    return this.#dialog(invite.body, callId, (method) => this.#inDialog(method, inDialog));
  }

  async close(): Promise<void> {
    await this.peer.close();
  }

  #dialog(remoteSdp: string, callId: string, send: (method: string) => Promise<PeerMessage>): PhoneDialog {
    return {
      remoteSdp,
      bye: async () => (await send('BYE')).status,
      awaitBye: async (within = 5_000) => {
        const bye = await this.peer.wait(
          (message) => message.method === 'BYE' && message.header('Call-ID') === callId,
          within,
        );
        const at = performance.now();
        this.peer.reply(bye, 200);
        return at;
      },
    };
  }

  async #inDialog(
    method: string,
    parts: { uri: string; from: string; to: string; callId: string; cseq: number },
  ): Promise<PeerMessage> {
    this.peer.request(method, parts);
    return this.peer.wait(isFinal(parts.callId, parts.cseq), 5_000);
  }

  /** Sends a request, a second time with credentials when challenged; gives the final response. ACKs refusals. */
  async #ask(
    method: string,
    parts: { uri: string; from: string; to: string; callId: string; body?: string },
    headers: readonly string[],
    giveUp?: Promise<void>,
  ): Promise<PeerMessage> {
    let credentials: string[] = [];
    for (let attempt = 0; ; attempt++) {
      this.#cseq += 1;
      const branch = unique('z9hG4bK');
      this.peer.request(method, { ...parts, branch, cseq: this.#cseq, headers: [...headers, ...credentials] });
      const isLast = credentials.length > 0 || this.#options.password === undefined;
      if (giveUp !== undefined && isLast) this.#cancel(giveUp, { ...parts, branch, cseq: this.#cseq });
      const answer = await this.peer.wait(isFinal(parts.callId, this.#cseq), 40_000);
      if (method === 'INVITE' && answer.status >= 300) {
        const { uri, from, callId } = parts;
        this.peer.request('ACK', {
          uri,
          from,
          callId,
          to: answer.header('To'),
          branch,
          cseq: this.#cseq,
          contact: false,
        });
      }
      const isChallenge = answer.status === 401 || answer.status === 407;
      if (!isChallenge || attempt > 0 || this.#options.password === undefined) return answer;
      credentials = [this.#respond(method, parts.uri, answer)];
    }
  }

  /** Of the transaction that runs (RFC 3261 §9.1). */
  #cancel(when: Promise<void>, { uri, from, to, callId, branch, cseq }: Required<Pick<RequestParts, CancelKey>>): void {
    void when.then(() => this.peer.request('CANCEL', { uri, from, to, callId, branch, cseq, contact: false }));
  }

  /** RFC 7616 §3.4 with MD5 and qop=auth. */
  #respond(method: string, uri: string, challenge: PeerMessage): string {
    const isProxy = challenge.status === 407;
    const text =
      challenge
        .headers(isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate')
        .find((header) => !/SHA-256/i.test(header)) ?? '';
    const realm = /realm="([^"]*)"/.exec(text)?.[1] ?? '';
    const nonce = /nonce="([^"]*)"/.exec(text)?.[1] ?? '';
    const opaque = /opaque="([^"]*)"/.exec(text)?.[1];
    const cnonce = randomBytes(8).toString('hex');
    const { user, password = '' } = this.#options;
    const secret = md5(`${user}:${realm}:${password}`);
    const response = md5(`${secret}:${nonce}:00000001:${cnonce}:auth:${md5(`${method}:${uri}`)}`);
    const fields = [
      `username="${user}"`,
      `realm="${realm}"`,
      `nonce="${nonce}"`,
      `uri="${uri}"`,
      `response="${response}"`,
    ];
    fields.push(
      'algorithm=MD5',
      `cnonce="${cnonce}"`,
      'qop=auth',
      'nc=00000001',
      ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
    );
    return `${isProxy ? 'Proxy-Authorization' : 'Authorization'}: Digest ${fields.join(', ')}`;
  }
}
