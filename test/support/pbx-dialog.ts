/** A PBX's dialog with the gateway, made by hand: INVITE, re-INVITE, UPDATE, BYE with whatever body. */
import { isRequest, type PeerMessage, type SipPeer, unique } from './sip-peer.ts';

export interface PbxSdp {
  readonly port: number;
  /** `m=` payload types with their `rtpmap`, best first. */
  readonly codecs: readonly { readonly payloadType: number; readonly rtpmap: string }[];
  readonly direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
}

let version = 1;

const EVENTS = { payloadType: 101, rtpmap: 'telephone-event/8000' } as const;

/** Session descriptions of one session, with telephone-event: the version goes up each time. */
export function pbxSdp({ port, codecs, direction = 'sendrecv' }: PbxSdp): string {
  version += 1;
  const formats = [...codecs, EVENTS];
  return [
    'v=0',
    `o=- 1 ${version} IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats.map(({ payloadType }) => payloadType).join(' ')}`,
    ...formats.map(({ payloadType, rtpmap }) => `a=rtpmap:${payloadType} ${rtpmap}`),
    `a=${direction}`,
    '',
  ].join('\r\n');
}

export class PbxDialog {
  readonly #pbx: SipPeer;
  readonly #callId = unique('pbx');
  readonly #from = `<sip:100@pbx.test>;tag=${unique('t')}`;
  #to: string;
  #target: string;
  #cseq = 0;

  /** `uri`: who is called. */
  constructor(pbx: SipPeer, uri: string) {
    this.#pbx = pbx;
    this.#target = uri;
    this.#to = `<${uri}>`;
  }

  /** The final response. */
  async request(method: string, body: string): Promise<PeerMessage> {
    this.#cseq += 1;
    const cseq = this.#cseq;
    const callId = this.#callId;
    this.#pbx.request(method, { uri: this.#target, from: this.#from, to: this.#to, callId, cseq, body });
    const answer = await this.#pbx.wait(
      (message) =>
        message.status >= 200 &&
        message.header('CSeq') === `${cseq} ${method}` &&
        message.header('Call-ID') === this.#callId,
      10_000,
    );
    if (cseq === 1) {
      this.#to = answer.header('To');
      this.#target = /<([^>]+)>/.exec(answer.header('Contact'))?.[1] ?? '';
    }
    return answer;
  }

  ack(body = ''): void {
    const dialog = { uri: this.#target, from: this.#from, to: this.#to, callId: this.#callId };
    this.#pbx.request('ACK', { ...dialog, cseq: this.#cseq, contact: false, body });
  }

  /** An INVITE or re-INVITE that must be taken: the gateway's RTP port, and its answer. */
  async offer(body: string): Promise<{ readonly port: number; readonly answer: string }> {
    const answer = await this.request('INVITE', body);
    this.ack();
    if (answer.status !== 200) throw new Error(`${answer.status} to an offer`);
    return { port: Number(/^m=audio (\d+)/m.exec(answer.body)?.[1]), answer: answer.body };
  }

  /** Hangs up, unless the gateway has. */
  async bye(): Promise<void> {
    if (this.#pbx.count(isRequest('BYE')) === 0) await this.request('BYE', '');
  }
}
