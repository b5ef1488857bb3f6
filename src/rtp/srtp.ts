/** SRTP of one party, through changes of its keys. */
import { SrtpReceiver, SrtpSender } from './srtp-packets.ts';
import { isSameKey, type SrtpKeyPair } from './srtp-suite.ts';

/** How long packets under the former key of the remote are still accepted, ms: those that were on their way (RFC 4568 §7.1.4). */
const FORMER_KEY_MS = 2000;

export class Srtp {
  #keys: SrtpKeyPair;
  #sender: SrtpSender;
  #receiver: SrtpReceiver;
  #former: SrtpReceiver | undefined;
  #formerUntilMs = 0;

  constructor(keys: SrtpKeyPair) {
    this.#keys = keys;
    this.#sender = new SrtpSender(keys.send);
    this.#receiver = new SrtpReceiver(keys.receive);
  }

  /** Applies what was negotiated again. A key that stays keeps its rollover counter; a new one begins at zero. */
  rekey(keys: SrtpKeyPair, nowMs: number): void {
    if (!isSameKey(keys.send, this.#keys.send)) this.#sender = new SrtpSender(keys.send);
    if (!isSameKey(keys.receive, this.#keys.receive)) {
      this.#former = this.#receiver;
      this.#formerUntilMs = nowMs + FORMER_KEY_MS;
      this.#receiver = new SrtpReceiver(keys.receive);
    }
    this.#keys = keys;
  }

  /** The RTP packet, in the same memory; undefined, with the packet unchanged, when it is not the remote's or was there before. */
  openRtp(packet: Buffer, nowMs: number): Buffer | undefined {
    return this.#receiver.openRtp(packet) ?? this.#formerAt(nowMs)?.openRtp(packet);
  }

  openRtcp(packet: Buffer, nowMs: number): Buffer | undefined {
    return this.#receiver.openRtcp(packet) ?? this.#formerAt(nowMs)?.openRtcp(packet);
  }

  sealRtp(packet: Buffer): Buffer | undefined {
    return this.#sender.sealRtp(packet);
  }

  sealRtcp(packet: Buffer): Buffer | undefined {
    return this.#sender.sealRtcp(packet);
  }

  #formerAt(nowMs: number): SrtpReceiver | undefined {
    if (this.#former !== undefined && nowMs >= this.#formerUntilMs) this.#former = undefined;
    return this.#former;
  }
}
