/** Media around the gateway, trunk to trunk: SDP passes through unchanged and no port is opened. */
import type { PortReport } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import type { Alignment } from './alignment.ts';
import type { CallerAnswer, CallMediaWork, PeerDialog } from './call-media.ts';
import type { InDialogOffer } from './sip-ports.ts';

export class BypassMedia implements CallMediaWork {
  readonly #offer: string;
  readonly #peerOf: PeerDialog;
  /** The last description of each side, by the Leg that sent it. */
  readonly #said = new Map<LegId, string>();

  /** `offer`: the caller's. `peerOf`: the dialog on the other side of a Leg. */
  constructor(offer: string, peerOf: PeerDialog) {
    this.#offer = offer;
    this.#peerOf = peerOf;
  }

  async openInbound(): Promise<void> {}

  async offerFor(): Promise<string> {
    return this.#offer;
  }

  async early(_legId: LegId, body: string): Promise<string> {
    return body;
  }

  async ringback(): Promise<void> {}

  async pracked(): Promise<void> {}

  heard(legId: LegId, body: string): undefined {
    this.#said.set(legId, body);
  }

  async answer(legId: LegId): Promise<CallerAnswer> {
    return { body: this.#said.get(legId) ?? '', awaitsAck: false, alignment: undefined };
  }

  async acknowledged(): Promise<{ alignment: Alignment | undefined }> {
    return { alignment: undefined };
  }

  async renegotiate(legId: LegId, offer: InDialogOffer): Promise<void> {
    const peer = this.#peerOf(legId);
    // An offer cannot be asked for across two dialogs without holding back an ACK; the peer may send one.
    if (peer === undefined || offer.body === '') {
      offer.reply(488);
      return;
    }
    const { status, body } = await peer.request(offer.method, offer.body);
    if (body === '') offer.reply(status);
    else offer.reply(status, {}, body);
  }

  async reacknowledged(): Promise<void> {}

  readonly lossWatched = [];

  setLoss(): void {}

  improvement(): undefined {}

  codecs(): undefined {}

  legOf(): undefined {}

  async quality(): Promise<PortReport | undefined> {
    return undefined;
  }

  async close(): Promise<PortReport | undefined> {
    return undefined;
  }
}
