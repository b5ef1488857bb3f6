/** A SIP phone that answers every INVITE at once: all that a gateway's SIP side needs for a media measurement. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { token } from './sdp.ts';

const header = (message: string, name: string): string =>
  new RegExp(`^${name}\\s*:\\s*(.*)$`, 'im').exec(message)?.[1]?.trim() ?? '';

const headers = (message: string, name: string): string[] =>
  [...(message.split('\r\n\r\n')[0] ?? '').matchAll(new RegExp(`^${name}\\s*:.*$`, 'gim'))].map((found) =>
    found[0].trim(),
  );

export class AnsweringPhone {
  readonly #socket: Socket = createSocket('udp4');
  readonly #address: string;
  readonly #port: number;
  /** Call-ID and CSeq to the answer sent, for retransmissions. */
  readonly #answers = new Map<string, string>();
  /** The user part of the Request-URI and the offer, to the answer's SDP. */
  readonly #onInvite: (user: string, offer: string) => string;

  constructor(address: string, port: number, onInvite: (user: string, offer: string) => string) {
    this.#address = address;
    this.#port = port;
    this.#onInvite = onInvite;
    this.#socket.on('message', (bytes, from) => {
      const answer = this.#answer(bytes.toString());
      if (answer !== '') this.#socket.send(answer, from.port, from.address);
    });
  }

  async start(): Promise<void> {
    this.#socket.bind(this.#port, this.#address);
    await once(this.#socket, 'listening');
  }

  stop(): void {
    this.#socket.close();
  }

  #answer(message: string): string {
    const method = message.split(' ', 1)[0] ?? '';
    if (method === 'ACK' || method.startsWith('SIP/')) return '';
    const key = `${header(message, 'Call-ID')} ${header(message, 'CSeq')}`;
    const sent = this.#answers.get(key);
    if (sent !== undefined) return sent;
    const user = /^INVITE sip:([^@]+)@/.exec(message)?.[1] ?? '';
    const body = method === 'INVITE' ? this.#onInvite(user, message.slice(message.indexOf('\r\n\r\n') + 4)) : '';
    const to = header(message, 'To');
    const answer = [
      'SIP/2.0 200 OK',
      ...headers(message, 'Via'),
      ...headers(message, 'Record-Route'),
      `From: ${header(message, 'From')}`,
      `To: ${to.includes('tag=') ? to : `${to};tag=${token(8)}`}`,
      `Call-ID: ${header(message, 'Call-ID')}`,
      `CSeq: ${header(message, 'CSeq')}`,
      `Contact: <sip:uas@${this.#address}:${this.#port}>`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
    this.#answers.set(key, answer);
    return answer;
  }
}
