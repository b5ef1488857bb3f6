/** Asks a party for a complete picture by INFO (RFC 5168 §4), as SIP video phones do that know no RTCP for it. */
import type { Logger } from '../kernel/index.ts';
import type { SipDialog } from './sip-ports.ts';

export const MEDIA_CONTROL = 'application/media_control+xml';
const BODY = `<?xml version="1.0" encoding="utf-8"?>
<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>
`;

export class PictureRequests {
  /** Who has said that it does not know of this. */
  readonly #refusing = new WeakSet<SipDialog>();

  /** Nobody waits for it: who still lacks a picture asks again. */
  ask(dialog: SipDialog | undefined, logger: Logger): void {
    if (dialog === undefined || this.#refusing.has(dialog)) return;
    this.#ask(dialog).catch((error: unknown) => logger.warn({ err: error }, 'picture not asked for'));
  }

  async #ask(dialog: SipDialog): Promise<void> {
    const { status } = await dialog.request('INFO', BODY, { 'Content-Type': MEDIA_CONTROL });
    if (status === 405 || status === 415 || status === 501) this.#refusing.add(dialog);
  }
}
