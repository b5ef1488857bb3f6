/** A raw RTP endpoint: sends the payloads a test gives it, 20 ms apart, and keeps every packet that comes. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface HeardPacket {
  readonly payloadType: number;
  readonly hasMarker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
  readonly fromPort: number;
  /** performance.now() */
  readonly at: number;
}

export interface RtpTarget {
  /** 127.0.0.1 when left out. */
  readonly host?: string;
  readonly port: number;
  readonly payloadType: number;
  readonly ssrc: number;
  /** Timestamp units in 20 ms. */
  readonly step: number;
}

const PTIME_MS = 20;

export class RtpPeer {
  readonly port: number;
  readonly heard: HeardPacket[] = [];
  readonly #socket: Socket;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** By the last `play`. */
  #played = 0;
  #sequence = 1000;
  #timestamp = 160_000;
  #beganAt = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (data, from) => {
      const packet = decode(data, from.port);
      if (packet !== undefined) this.heard.push(packet);
    });
  }

  static async open(port = 0): Promise<RtpPeer> {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return new RtpPeer(socket);
  }

  /** Sends `payloads` in turns, one every 20 ms, until `pause` or `close`. */
  play(payloads: readonly Buffer[], target: RtpTarget): void {
    this.pause();
    let next = 0;
    const begin = performance.now();
    let sent = 0;
    this.#beganAt = 0;
    this.#played = 0;
    this.#timer = setInterval(() => {
      // Timers run late under load; a real phone does not, so what is due is sent.
      while (sent * PTIME_MS <= performance.now() - begin) {
        this.send(payloads[next++ % payloads.length] ?? Buffer.alloc(0), target, sent === 0);
        if (sent === 0) this.#beganAt = performance.now();
        sent += 1;
        this.#played = sent;
      }
    }, PTIME_MS / 2);
  }

  /** When the first packet of what is played went out, of performance.now(); 0: not yet. */
  get beganAt(): number {
    return this.#beganAt;
  }

  /** Where the numbers of the next packet are taken from: as after a restart, or a pause through which it counted on. */
  countFrom({ sequence, timestamp }: { readonly sequence: number; readonly timestamp: number }): void {
    this.#sequence = sequence & 0xffff;
    this.#timestamp = timestamp >>> 0;
  }

  get counters(): { readonly sequence: number; readonly timestamp: number } {
    return { sequence: this.#sequence, timestamp: this.#timestamp };
  }

  /** How many packets the last `play` has sent. */
  get played(): number {
    return this.#played;
  }

  /** Sends one packet and moves sequence and timestamp on. */
  send(payload: Buffer, target: RtpTarget, hasMarker = false): void {
    this.#write(payload, { ...target, hasMarker, timestamp: this.#timestamp });
    this.#timestamp = (this.#timestamp + target.step) >>> 0;
  }

  /**
   * Sends one digit as RFC 4733 says: updates every 20 ms, the end three times, all with the timestamp of the start.
   * The timestamps go on in the clock of the audio; `eventStep` is 20 ms in the clock of the events.
   */
  async sendDigit(digit: string, durationMs: number, target: RtpTarget & { eventStep: number }): Promise<void> {
    const event = '0123456789*#ABCD'.indexOf(digit);
    const start = this.#timestamp;
    const updates = Math.round(durationMs / PTIME_MS);
    const begin = performance.now();
    for (let i = 1; i <= updates + 2; i++) {
      const isEnd = i >= updates;
      const payload = Buffer.from([event, (isEnd ? 0x80 : 0) | 10, 0, 0]);
      payload.writeUInt16BE(Math.min(i, updates) * target.eventStep, 2);
      this.#write(payload, { ...target, hasMarker: i === 1, timestamp: start });
      if (i < updates) await due(begin + i * PTIME_MS);
    }
    this.#timestamp = (start + (updates + 2) * target.step) >>> 0;
  }

  /** Sends `count` packets of the same payload, 20 ms apart. */
  async fill(payload: Buffer, count: number, target: RtpTarget): Promise<void> {
    const begin = performance.now();
    for (let i = 0; i < count; i++) {
      this.send(payload, target);
      await due(begin + (i + 1) * PTIME_MS);
    }
  }

  /** Sends a packet as it is. */
  sendRaw(packet: Buffer, port: number): void {
    this.#socket.send(packet, port, '127.0.0.1');
  }

  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async close(): Promise<void> {
    this.pause();
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  #write(payload: Buffer, packet: RtpTarget & { hasMarker: boolean; timestamp: number }): void {
    const header = Buffer.alloc(12);
    header[0] = 0x80;
    header[1] = (packet.hasMarker ? 0x80 : 0) | packet.payloadType;
    header.writeUInt16BE(this.#sequence, 2);
    header.writeUInt32BE(packet.timestamp >>> 0, 4);
    header.writeUInt32BE(packet.ssrc, 8);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#socket.send(Buffer.concat([header, payload]), packet.port, packet.host ?? '127.0.0.1');
  }
}

/** Waits until that moment of performance.now(), so that late timers do not add up. */
async function due(at: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())));
}

function decode(data: Buffer, fromPort: number): HeardPacket | undefined {
  const first = data[0] ?? 0;
  const second = data[1] ?? 0;
  // Payload types 64–95 are RTCP on a shared port (RFC 5761 §4).
  if (data.length < 12 || first >> 6 !== 2 || ((second & 0x7f) >= 64 && (second & 0x7f) < 96)) return undefined;
  let offset = 12 + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) offset += 4 + data.readUInt16BE(offset + 2) * 4;
  return {
    payloadType: second & 0x7f,
    hasMarker: (second & 0x80) !== 0,
    sequence: data.readUInt16BE(2),
    timestamp: data.readUInt32BE(4),
    ssrc: data.readUInt32BE(8),
    payload: Buffer.from(data.subarray(offset)),
    fromPort,
    at: performance.now(),
  };
}

export interface HeardDigit {
  readonly digit: string;
  /** In timestamp units. */
  readonly duration: number;
  /** Of its packets: how many said that the digit is over. */
  readonly ends: number;
  readonly hasMarker: boolean;
  readonly timestamp: number;
}

/** The digits in packets of the telephone-event payload type: those of one timestamp are one press (RFC 4733 §2.5.1). */
export function digitsIn(packets: readonly HeardPacket[], payloadType: number): readonly HeardDigit[] {
  const digits = new Map<number, HeardDigit>();
  for (const packet of packets) {
    if (packet.payloadType !== payloadType || packet.payload.length < 4) continue;
    const before = digits.get(packet.timestamp);
    digits.set(packet.timestamp, {
      digit: '0123456789*#ABCD'[packet.payload[0] ?? 99] ?? '?',
      duration: Math.max(before?.duration ?? 0, packet.payload.readUInt16BE(2)),
      ends: (before?.ends ?? 0) + (((packet.payload[1] ?? 0) & 0x80) === 0 ? 0 : 1),
      hasMarker: before?.hasMarker === true || packet.hasMarker,
      timestamp: packet.timestamp,
    });
  }
  return [...digits.values()];
}
