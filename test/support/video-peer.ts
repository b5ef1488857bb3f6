/** A raw RTP endpoint for video: keeps what comes, may send it back as a stream of its own, and speaks RTCP. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface HeardVideo {
  readonly payloadType: number;
  readonly hasMarker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
  /** As it came. */
  readonly packet: Buffer;
  /** performance.now() */
  readonly at: number;
}

const RTCP_FEEDBACK = 206;

export class VideoPeer {
  readonly port: number;
  readonly heard: HeardVideo[] = [];
  /** When complete pictures were asked for by RTCP: performance.now(), and the format of the feedback. */
  readonly asked: { readonly at: number; readonly format: number; readonly media: number }[] = [];
  /** Where to send everything back to, under which payload type. */
  echoTo: { readonly port: number; readonly payloadType: number; readonly ssrc: number } | undefined;
  readonly #rtp: Socket;
  readonly #rtcp: Socket;

  private constructor(rtp: Socket, rtcp: Socket) {
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.port = rtp.address().port;
    rtp.on('message', (data) => this.#onRtp(data));
    rtcp.on('message', (data) => this.#onRtcp(data));
  }

  /** RTCP comes to the next port. */
  static async open(): Promise<VideoPeer> {
    for (;;) {
      const rtp = await bind(0);
      const rtcp = await bind(rtp.address().port + 1).catch(() => undefined);
      if (rtcp !== undefined) return new VideoPeer(rtp, rtcp);
      rtp.close();
    }
  }

  /** A packet of RTP as it is. */
  send(packet: Buffer, port: number): void {
    this.#rtp.send(packet, port, '127.0.0.1');
  }

  /** PLI (1) or FIR (4), or the FIR of RFC 2032 (192) towards a port of RTCP. */
  askForPicture(port: number, how: 1 | 4 | 192, media = 0): void {
    const packet = Buffer.alloc(how === 1 ? 12 : how === 4 ? 20 : 8);
    packet[0] = 0x80 | (how === 192 ? 0 : how);
    packet[1] = how === 192 ? 192 : RTCP_FEEDBACK;
    packet.writeUInt16BE(packet.length / 4 - 1, 2);
    if (how === 1) packet.writeUInt32BE(media, 8);
    if (how === 4) packet.writeUInt32BE(media, 12);
    this.#rtcp.send(packet, port, '127.0.0.1');
  }

  async close(): Promise<void> {
    await Promise.all(
      [this.#rtp, this.#rtcp].map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.close(resolve);
          }),
      ),
    );
  }

  #onRtp(data: Buffer): void {
    const [first = 0, second = 0] = data;
    if (data.length < 12 || first >> 6 !== 2) return;
    this.heard.push({
      payloadType: second & 0x7f,
      hasMarker: second >= 0x80,
      sequence: data.readUInt16BE(2),
      timestamp: data.readUInt32BE(4),
      ssrc: data.readUInt32BE(8),
      payload: Buffer.from(data.subarray(12)),
      packet: Buffer.from(data),
      at: performance.now(),
    });
    if (this.echoTo === undefined) return;
    const { port, payloadType, ssrc } = this.echoTo;
    const back = Buffer.from(data);
    back[1] = (second & 0x80) | payloadType;
    back.writeUInt32BE(ssrc, 8);
    this.#rtp.send(back, port, '127.0.0.1');
  }

  #onRtcp(data: Buffer): void {
    for (let offset = 0; data.length - offset >= 8; offset += 4 + 4 * data.readUInt16BE(offset + 2)) {
      const format = (data[offset] ?? 0) & 0x1f;
      if (data[offset + 1] !== RTCP_FEEDBACK) continue;
      const media = data.readUInt32BE(offset + (format === 4 ? 12 : 8));
      this.asked.push({ at: performance.now(), format, media });
    }
  }
}

async function bind(port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** The NAL units in the payloads of one packet after another (RFC 6184 §5.6 to §5.8): single units, STAP-A and FU-A. */
export function nalUnits(payloads: readonly Buffer[]): Buffer[] {
  const units: Buffer[] = [];
  let fragments: Buffer[] = [];
  for (const payload of payloads) {
    const type = (payload[0] ?? 0) & 0x1f;
    if (type === 24) {
      for (let at = 1; at + 2 < payload.length; at += 2 + payload.readUInt16BE(at))
        units.push(payload.subarray(at + 2, at + 2 + payload.readUInt16BE(at)));
    } else if (type === 28) {
      const [indicator = 0, header = 0] = payload;
      if ((header & 0x80) !== 0) fragments = [Buffer.from([(indicator & 0xe0) | (header & 0x1f)])];
      fragments.push(payload.subarray(2));
      if ((header & 0x40) !== 0) units.push(Buffer.concat(fragments.splice(0)));
    } else units.push(payload);
  }
  return units;
}

/** Whether a packet belongs to a complete picture: an IDR unit, alone, aggregated or in fragments. */
export function isOfKeyframe(payload: Buffer): boolean {
  const type = (payload[0] ?? 0) & 0x1f;
  if (type === 28) return ((payload[1] ?? 0) & 0x1f) === 5;
  return nalUnits([payload]).some((unit) => ((unit[0] ?? 0) & 0x1f) === 5);
}
