/** An INVITE that came in, until it has its final response. */
import { parseNameAddr } from '../sip/message/index.ts';
import { ALLOW } from './allow.ts';
import type { AnswerListener, EarlyListener, InboundInvite } from './sip-ports.ts';
import { offer, watch } from './srf-dialog.ts';
import { inboundRequest } from './srf-request.ts';
import { send, sendProvisional } from './srf-send.ts';
import type { SrfApp, SrfMessage, SrfRequest, SrfResponse } from './srf-types.ts';

/** INVITEs without a final response, by Call-ID and tag: a BYE in the early dialog finds its INVITE here. */
export type EarlyInvites = Map<string, EarlyListener>;

interface InviteParts {
  readonly srf: SrfApp;
  readonly request: SrfRequest;
  readonly response: SrfResponse;
  readonly isOurs: boolean;
  readonly early: EarlyInvites;
}

export function inboundInvite({ srf, request, response, isOurs, early }: InviteParts): InboundInvite {
  const base = inboundRequest(request, response, isOurs);
  const key = earlyKey(request);
  let onPrack: ((body: string) => void) | undefined;
  const close = (): void => {
    early.delete(key);
    request.removeAllListeners('cancel');
  };
  return {
    ...base,
    reply: (status, headers = {}, body) => {
      if (status >= 200) close();
      if (status >= 200 || onPrack === undefined) send(response, status, headers, body);
      else sendProvisional(response, { status, headers, body }, onPrack);
    },
    onCancel: (listener) =>
      request.on('cancel', (cancel) => {
        early.delete(key);
        listener(cancel.get('Reason'));
      }),
    onEarly: (listener) => {
      ({ onPrack } = listener);
      early.set(key, listener);
      request.on('update', (update, answer) => offer(listener, 'UPDATE', update, answer));
    },
    answer: (body, headers, listener: AnswerListener) => {
      early.delete(key);
      srf.createUAS(request, response, { localSdp: body, headers: { Allow: ALLOW, ...headers } }, (error, dialog) => {
        close();
        if (error === null || error === undefined) listener.onDialog(watch(dialog, listener));
        else listener.onGone();
      });
    },
  };
}

function earlyKey(request: SrfMessage): string {
  const tag = parseNameAddr(request.get('From') ?? '')?.params.get('tag') ?? '';
  return `${request.get('Call-ID') ?? ''} ${tag}`;
}

/** A BYE that is in no dialog of drachtio-srf: its INVITE is not answered yet, or nobody knows it. */
export function answerEarlyBye(request: SrfRequest, response: SrfResponse, early: EarlyInvites): void {
  const listener = early.get(earlyKey(request));
  send(response, listener === undefined ? 481 : 200, {});
  listener?.onBye({ reason: request.get('Reason'), isLost: false });
}
