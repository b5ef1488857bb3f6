/**
 * Tells a party that the other one holds it. Legs are isolated (decision D3), so no offer ever says it: whoever wants
 * to know asks for an Info Package of ours (RFC 6086 §5.2), which stock clients do not.
 */
import type { SipDialog } from './sip-ports.ts';

/** Body: `{"isHeld":true|false}`, of type application/json. */
const HOLD_PACKAGE = 'viaduct-hold';
const HEADERS = {
  'Info-Package': HOLD_PACKAGE,
  'Content-Type': 'application/json',
  'Content-Disposition': 'Info-Package',
};

/** Of the value of Recv-Info. */
export function readInfoPackages(value = ''): ReadonlySet<string> {
  const names = value.split(',').map((name) => name.replace(/;.*/su, '').trim());
  return new Set(names.filter((name) => name !== ''));
}

interface Notice {
  /** What the party was told last. */
  told: boolean;
  wanted: boolean;
  isSending: boolean;
}

export class HoldNotices {
  readonly #notices = new WeakMap<SipDialog, Notice>();

  /** `media`: of the other party. What it is now is said once, and not before the last word has arrived. */
  tell(dialog: SipDialog | undefined, media: { readonly isHeldByPeer: boolean } | undefined): void {
    if (media === undefined || dialog?.infoPackages.has(HOLD_PACKAGE) !== true) return;
    const notice = this.#notices.get(dialog) ?? { told: false, wanted: false, isSending: false };
    this.#notices.set(dialog, notice);
    notice.wanted = media.isHeldByPeer;
    if (!notice.isSending) void this.#send(dialog, notice);
  }

  async #send(dialog: SipDialog, notice: Notice): Promise<void> {
    notice.isSending = true;
    // What is refused is not said again: it was a courtesy.
    while (notice.wanted !== notice.told) {
      notice.told = notice.wanted;
      // One after another: the last one said must be the last one heard.
      // oxlint-disable-next-line eslint/no-await-in-loop
      await dialog.request('INFO', JSON.stringify({ isHeld: notice.told }), HEADERS);
    }
    notice.isSending = false;
  }
}
