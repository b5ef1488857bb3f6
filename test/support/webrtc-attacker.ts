/** An attacker at the port where browsers' media arrives: DTLS, STUN, RTP and RTCP from addresses that no ICE check has proven. */
import { createHmac, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { crc32 } from 'node:zlib';

export type Attack = 'client-hello' | 'stun' | 'rtp' | 'rtcp';

export interface AttackerOptions {
  readonly port: number;
  readonly addresses: readonly string[];
  /** Per second and address. */
  readonly rate?: number;
}

/** What its packets may know of the call under attack: what an eavesdropper of other ICE checks could. */
export interface Overheard {
  readonly usernameFragment: string;
}

const TICK_MS = 10;

export class WebRtcAttacker {
  sent = 0;
  /** DTLS, RTP and RTCP that came back: STUN errors are what a server owes to anybody. */
  leaked = 0;
  readonly #options: AttackerOptions;
  readonly #sockets: readonly Socket[];
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(options: AttackerOptions, sockets: readonly Socket[]) {
    this.#options = options;
    this.#sockets = sockets;
    for (const socket of sockets) {
      socket.on('message', (data) => {
        if ((data[0] ?? 0) >= 20) this.leaked++;
      });
      socket.on('error', () => {});
    }
  }

  static async open(options: AttackerOptions): Promise<WebRtcAttacker> {
    const sockets = options.addresses.map((address) => createSocket('udp4').bind(0, address));
    await Promise.all(sockets.map((socket) => once(socket, 'listening')));
    return new WebRtcAttacker(options, sockets);
  }

  start(attacks: readonly Attack[], overheard: () => Overheard): void {
    this.pause();
    const { rate = 500 } = this.#options;
    let turn = 0;
    this.#timer = setInterval(() => {
      for (const socket of this.#sockets) {
        for (let i = 0; i < (rate * TICK_MS) / 1000; i++, turn++) {
          const attack = attacks[turn % attacks.length] ?? 'rtp';
          socket.send(forge(attack, turn, overheard()), this.#options.port, '127.0.0.1');
          this.sent++;
        }
      }
    }, TICK_MS);
  }

  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async close(): Promise<void> {
    this.pause();
    await Promise.all(
      this.#sockets.map((socket) => {
        const closed = once(socket, 'close');
        socket.close();
        return closed;
      }),
    );
  }
}

function forge(attack: Attack, turn: number, overheard: Overheard): Buffer {
  switch (attack) {
    case 'client-hello':
      return clientHello(turn);
    case 'stun':
      return binding(turn, overheard);
    case 'rtp': {
      const packet = Buffer.alloc(172, 0xee);
      packet.writeUInt16BE(0x8000);
      packet.writeUInt16BE(turn & 0xffff, 2);
      packet.writeUInt32BE(0x1000_0000, 8);
      return packet;
    }
    case 'rtcp': {
      // In turns: BYE, PLI and FIR for the SSRCs that the load generator uses.
      const ssrc = 0x1000_0000 + (turn % 8);
      const packet = Buffer.alloc(turn % 3 === 0 ? 8 : 12);
      packet.writeUInt32BE(turn % 3 === 0 ? 0x81cb_0001 : 0x81ce_0002);
      packet.writeUInt32BE(ssrc, 4);
      if (packet.length === 12) packet.writeUInt32BE(ssrc, 8);
      return packet;
    }
  }
}

/** DTLS 1.2 ClientHello: with TLS_NULL_WITH_NULL_NULL alone, as DTLS 1.0, cut short, or an alert in its place. */
function clientHello(turn: number): Buffer {
  const body = Buffer.concat([
    Buffer.from(turn % 4 === 1 ? 'feff' : 'fefd', 'hex'),
    randomBytes(32),
    // No session, no cookie; one cipher suite, which is none; no compression.
    Buffer.from('0000000200000100', 'hex'),
  ]);
  const head = Buffer.alloc(12);
  head[0] = 1;
  head.writeUIntBE(body.length, 1, 3);
  head.writeUIntBE(body.length, 9, 3);
  const handshake = Buffer.concat([head, body]);
  const record = Buffer.alloc(13);
  record[0] = turn % 4 === 3 ? 21 : 22;
  record.writeUInt16BE(0xfefd, 1);
  record.writeUInt16BE(handshake.length, 11);
  const whole = Buffer.concat([record, handshake]);
  return turn % 4 === 2 ? whole.subarray(0, 13 + (turn % 40)) : whole;
}

const COOKIE = 0x2112_a442;

/**
 * A binding request with USE-CANDIDATE, under a password that is wrong: without and with MESSAGE-INTEGRITY, claiming
 * either role, or with USE-CANDIDATE behind the integrity.
 */
function binding(turn: number, { usernameFragment }: Overheard): Buffer {
  const username = Buffer.from(`${usernameFragment}:stranger`);
  const role = turn % 2 === 0 ? 0x802a : 0x8029;
  const attributes = [
    attribute(0x0006, username),
    attribute(0x0024, Buffer.from('6e001eff', 'hex')),
    attribute(role, Buffer.alloc(8, 0xff)),
  ];
  if (turn % 4 !== 1) attributes.push(attribute(0x0025, Buffer.alloc(0)));
  let message = withLength(Buffer.concat([header(), ...attributes]), turn % 3 === 0 ? 0 : 24);
  if (turn % 3 !== 0) {
    const tag = createHmac('sha1', 'not the password').update(message).digest();
    message = Buffer.concat([message, attribute(0x0008, tag)]);
  }
  if (turn % 4 === 1) message = withLength(Buffer.concat([message, attribute(0x0025, Buffer.alloc(0))]), 0);
  message = withLength(message, 8);
  const fingerprint = Buffer.alloc(4);
  fingerprint.writeUInt32BE((crc32(message) ^ 0x5354_554e) >>> 0);
  return Buffer.concat([message, attribute(0x8028, fingerprint)]);
}

function header(): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16BE(1);
  bytes.writeUInt32BE(COOKIE, 4);
  randomBytes(12).copy(bytes, 8);
  return bytes;
}

/** The length in the header, counted as if `more` bytes followed. */
function withLength(message: Buffer, more: number): Buffer {
  message.writeUInt16BE(message.length - 20 + more, 2);
  return message;
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + 4 * Math.ceil(value.length / 4));
  bytes.writeUInt16BE(type);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}
