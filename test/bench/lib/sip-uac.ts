/** A SIP caller: an INVITE, its answer, its ACK. Nothing is repeated: it stands beside the gateway on loopback. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { token } from './sdp.ts';

const answerMs = 10_000;

export class CallingPhone {
  readonly #socket: Socket = createSocket('udp4');
  readonly #address: string;
  readonly #port: number;
  readonly #waiting = new Map<string, (answer: string) => void>();

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
    this.#socket.on('message', (bytes) => {
      const message = bytes.toString();
      const status = Number(/^SIP\/2\.0 (\d{3})/.exec(message)?.[1] ?? 0);
      const callId = /^Call-ID\s*:\s*(\S+)/im.exec(message)?.[1] ?? '';
      if (status >= 200) this.#waiting.get(callId)?.(message);
    });
  }

  async start(): Promise<void> {
    this.#socket.bind(this.#port, this.#address);
    await once(this.#socket, 'listening');
  }

  stop(): void {
    this.#socket.close();
  }

  /** Calls `to` at `port` on loopback as `from`; resolves with the answer's SDP. Throws when it is not answered with 200. */
  async call(request: { from: string; to: string; port: number; sdp: string }): Promise<string> {
    const { from, to, port, sdp } = request;
    const callId = token(16);
    const uri = `sip:${to}@127.0.0.1:${port}`;
    const own = `${this.#address}:${this.#port}`;
    const message = (method: string, toTag: string, body: string): string =>
      [
        `${method} ${uri} SIP/2.0`,
        `Via: SIP/2.0/UDP ${own};rport;branch=z9hG4bK${token(12)}`,
        'Max-Forwards: 70',
        `From: <sip:${from}@${own}>;tag=${callId}`,
        `To: <${uri}>${toTag}`,
        `Call-ID: ${callId}`,
        `CSeq: 1 ${method}`,
        `Contact: <sip:${from}@${own}>`,
        ...(body === '' ? [] : ['Content-Type: application/sdp']),
        `Content-Length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n');
    const answered = new Promise<string>((resolve, reject) => {
      this.#waiting.set(callId, resolve);
      setTimeout(() => reject(new Error(`${uri} does not answer`)), answerMs).unref();
    });
    this.#socket.send(message('INVITE', '', sdp), port, '127.0.0.1');
    const answer = await answered;
    this.#waiting.delete(callId);
    const toTag = /^To\s*:.*(;tag=\S+)/im.exec(answer)?.[1] ?? '';
    this.#socket.send(message('ACK', toTag, ''), port, '127.0.0.1');
    if (!answer.startsWith('SIP/2.0 200')) throw new Error(`${uri}: ${answer.split('\r\n', 1)[0]}`);
    return answer.slice(answer.indexOf('\r\n\r\n') + 4);
  }
}
