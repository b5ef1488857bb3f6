/** rtpengine's control protocol: a cookie and a bencoded dictionary over UDP. */
import { createSocket, type Socket } from 'node:dgram';
import { token } from './sdp.ts';

type Value = number | string | readonly Value[] | { readonly [key: string]: Value };

function encode(value: Value): string {
  if (typeof value === 'number') return `i${value}e`;
  if (typeof value === 'string') return `${Buffer.byteLength(value)}:${value}`;
  if (Array.isArray(value)) return `l${(value as readonly Value[]).map(encode).join('')}e`;
  const entries = Object.entries(value as { readonly [key: string]: Value });
  return `d${entries.map(([key, item]) => encode(key) + encode(item)).join('')}e`;
}

function decode(bytes: Buffer): Value {
  let at = 0;
  const next = (): Value => {
    const kind = String.fromCharCode(bytes[at] ?? 0);
    if (kind === 'i') {
      const end = bytes.indexOf('e', at);
      const number = Number(bytes.toString('latin1', at + 1, end));
      at = end + 1;
      return number;
    }
    if (kind === 'l' || kind === 'd') {
      at += 1;
      const items: Value[] = [];
      while (bytes[at] !== 0x65) items.push(next());
      at += 1;
      if (kind === 'l') return items;
      const pairs: [string, Value][] = [];
      for (let index = 0; index < items.length; index += 2)
        pairs.push([items[index] as string, items[index + 1] ?? '']);
      return Object.fromEntries(pairs);
    }
    const colon = bytes.indexOf(':', at);
    const length = Number(bytes.toString('latin1', at, colon));
    at = colon + 1 + length;
    return bytes.toString('utf8', colon + 1, at);
  };
  return next();
}

export class NgClient {
  readonly #socket: Socket = createSocket('udp4');
  readonly #waiting = new Map<string, (answer: Record<string, Value>) => void>();
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
    this.#socket.on('message', (message) => {
      const space = message.indexOf(' ');
      this.#waiting.get(message.toString('latin1', 0, space))?.(
        decode(message.subarray(space + 1)) as Record<string, Value>,
      );
    });
  }

  /** Sends one command; resolves with the SDP of the answer, '' when there is none. */
  async request(command: Record<string, Value>, timeoutMs = 3000): Promise<string> {
    const cookie = token(12);
    const answer = await new Promise<Record<string, Value>>((resolve) => {
      const timer = setTimeout(() => resolve({ result: 'timeout' }), timeoutMs);
      this.#waiting.set(cookie, (found) => {
        clearTimeout(timer);
        resolve(found);
      });
      this.#socket.send(`${cookie} ${encode(command)}`, this.#port, '127.0.0.1');
    });
    this.#waiting.delete(cookie);
    const { result, sdp } = answer;
    if (result !== 'ok' && result !== 'pong')
      throw new Error(`rtpengine ${JSON.stringify(command['command'])}: ${JSON.stringify(answer)}`);
    return typeof sdp === 'string' ? sdp : '';
  }

  close(): void {
    this.#socket.close();
  }
}
