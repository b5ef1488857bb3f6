/** A call that ends before it was answered, without its caller having said so: to the application that is a CANCEL. */
import { formatMessage, type SipRequest } from '../message/index.ts';
import type { EngineParts } from './parts.ts';
import { NO_BODY } from './response-builder.ts';
import type { ServerTransaction } from './server-transactions.ts';

const NAMING = new Set(['Via', 'From', 'To', 'Call-ID', 'Max-Forwards']);

export function tellCanceled(parts: EngineParts, tx: ServerTransaction, cause: number, text: string): void {
  if (tx.app === undefined) return;
  const message = formatMessage(cancelOf(tx.request, `SIP;cause=${cause};text="${text}"`));
  const { transport } = tx.reply.flow;
  const told = { transactionId: tx.id, dialogId: tx.dialog?.id ?? '', transport, message };
  parts.delivery.synthesized(tx.app, told, false);
}

function cancelOf(invite: SipRequest, reason: string): SipRequest {
  const cseq = Number.parseInt(invite.headers.find((line) => line.name === 'CSeq')?.value ?? '0', 10);
  const headers = [
    ...invite.headers.filter((line) => NAMING.has(line.name)),
    { name: 'CSeq', value: `${cseq} CANCEL` },
    { name: 'Reason', value: reason },
    { name: 'Content-Length', value: '0' },
  ];
  return { kind: 'request', method: 'CANCEL', uri: invite.uri, headers, body: NO_BODY };
}
