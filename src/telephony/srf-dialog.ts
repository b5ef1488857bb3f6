/** A dialog of drachtio-srf as telephony knows it: what comes in it is told, what goes is sent. */
import { ALLOW } from './allow.ts';
import { readInfoPackages } from './hold-notices.ts';
import { findObstacle } from './obstacles.ts';
import type { DialogListener, OutboundCredentials, SipDialog } from './sip-ports.ts';
import { requestInside } from './srf-inside.ts';
import { cseqOf } from './srf-reply.ts';
import { inboundRequest } from './srf-request.ts';
import { reasonHeader, SDP_TYPE, send } from './srf-send.ts';
import type { SrfDialog, SrfRequest, SrfResponse } from './srf-types.ts';

/** What may come inside a dialog beside offers, OPTIONS and BYE. */
const DIALOG_VERBS = ['info', 'message', 'notify', 'publish', 'refer', 'subscribe'];

export function offer(
  listener: Pick<DialogListener, 'onOffer'>,
  method: 'INVITE' | 'UPDATE',
  request: SrfRequest,
  response: SrfResponse,
): void {
  if (isRefused(request, response)) return;
  const body = request.body ?? '';
  // An UPDATE without a body changes nothing and refreshes the session (RFC 3311 §5.2, RFC 4028 §7.4).
  if (method === 'UPDATE' && body === '') send(response, 200, {});
  else
    listener.onOffer({
      method,
      body,
      cseq: cseqOf(request),
      header: (name) => request.get(name),
      reply: (status, headers = {}, answer) => send(response, status, headers, answer),
    });
}

/** Answers what cannot be served whatever it asks for, as outside of dialogs. */
function isRefused(request: SrfRequest, response: SrfResponse): boolean {
  const { method, body = '' } = request;
  const obstacle = findObstacle({ method, body, header: (name) => request.get(name) });
  if (obstacle !== undefined) send(response, obstacle.status, obstacle.headers);
  return obstacle !== undefined;
}

export function watch(dialog: SrfDialog, listener: DialogListener, credentials?: OutboundCredentials): SipDialog {
  dialog.on('destroy', (request) =>
    listener.onBye({ reason: request?.get('Reason'), isLost: request?.source === 'application' }),
  );
  dialog.on('ack', (request) => listener.onAck(request.body ?? '', cseqOf(request)));
  // drachtio-srf tells of an ACK and an UPDATE a turn later: without the same here a re-INVITE would overtake the ACK before it.
  dialog.on('modify', (request, response) => setImmediate(offer, listener, 'INVITE', request, response));
  dialog.on('update', (request, response) => offer(listener, 'UPDATE', request, response));
  dialog.on('options', (_request, response) => send(response, 200, { Allow: ALLOW }));
  for (const verb of DIALOG_VERBS)
    dialog.on(verb, (request, response) => {
      if (!isRefused(request, response)) listener.onRequest(inboundRequest(request, response));
    });
  const { callId, localTag, remoteTag } = dialog.sip;
  return {
    sipCallId: callId,
    localTag,
    remoteTag,
    isUac: dialog.type === 'uac',
    infoPackages: readInfoPackages((dialog.type === 'uac' ? dialog.res : dialog.req).get('Recv-Info')),
    request: async (method, body, headers = {}) => {
      const type = body === '' ? {} : SDP_TYPE;
      return requestInside(dialog, { method, body, headers: { ...type, ...headers } }, credentials);
    },
    bye: async (reason) => {
      const headers = reasonHeader(reason);
      if (credentials === undefined) return new Promise((resolve) => dialog.destroy({ headers }, () => resolve()));
      // drachtio-srf's own BYE keeps its response to itself. The engine knows the dialog until one is no challenge.
      await requestInside(dialog, { method: 'BYE', body: '', headers }, credentials);
      dialog.removeAllListeners();
    },
  };
}
