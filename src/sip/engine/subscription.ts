/** What SUBSCRIBE and NOTIFY say about how long a subscription lasts: RFC 6665 §4.1.2 and §4.4.1. */
import type { SipHeader } from '../message/index.ts';
import { transactionTimeout } from '../transaction/index.ts';
import { findHeader } from './app-headers.ts';
import type { EngineCore } from './core.ts';
import type { DialogTable, DialogWork } from './dialog-table.ts';

const DEFAULT_SEC = 3600;

/** A NOTIFY with these headers is the last of its subscription. */
export function isLastNotify(method: string, headers: readonly SipHeader[]): boolean {
  return method === 'NOTIFY' && /^terminated\b/i.test(findHeader(headers, 'Subscription-State') ?? '');
}

/** A 2xx to a SUBSCRIBE: the dialog is forgotten some time after the subscription, whoever fails to end it. */
export function prolong(
  core: EngineCore,
  dialogs: DialogTable,
  work: DialogWork,
  said: { readonly request: readonly SipHeader[]; readonly response: readonly SipHeader[] },
): void {
  if (work.dialog.method !== 'SUBSCRIBE') return;
  const text = findHeader(said.response, 'Expires') ?? findHeader(said.request, 'Expires');
  const seconds = text === undefined || !/^\d{1,9}$/.test(text) ? DEFAULT_SEC : Number(text);
  work.subscription?.cancel();
  const ms = Math.min(seconds * 1000 + transactionTimeout(core.options.timers), 0x7fff_ffff);
  work.subscription = core.timers.after(ms, () => dialogs.remove(work));
}
