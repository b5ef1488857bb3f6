/** Requests inside a dialog that are neither offers nor transfers: what we serve, and the refusal owed for the rest. */
import type { CallObserver, MediaPlane } from '../calls/index.ts';
import type { LegId } from '../kernel/index.ts';
import { ALLOW } from './allow.ts';
import { relayKey } from './digit-relay.ts';
import { parseDtmfInfo } from './dtmf-info.ts';
import type { LiveCall } from './live-call.ts';
import { MEDIA_CONTROL } from './picture-request.ts';
import type { InboundRequest } from './sip-ports.ts';

export interface DialogPlace {
  readonly live: LiveCall;
  readonly legId: LegId;
  readonly media: MediaPlane;
  readonly observer: CallObserver;
}

export function answerInDialog(request: InboundRequest, place: DialogPlace): void {
  switch (request.method) {
    case 'INFO':
      return answerInfo(request, place);
    case 'NOTIFY':
      // We have subscribed to nothing (RFC 6665 §4.1.3).
      return request.reply(481);
    case 'SUBSCRIBE':
      return request.reply(489);
    default:
      return request.reply(405, { Allow: ALLOW });
  }
}

function answerInfo(request: InboundRequest, place: DialogPlace): void {
  // We have offered no Info Package (RFC 6086 §4.2.2).
  if (request.header('Info-Package') !== undefined) return request.reply(469, { 'Recv-Info': '' });
  const [type = ''] = (request.header('Content-Type') ?? '').toLowerCase().split(/\s*;/, 1);
  switch (type) {
    case 'application/dtmf-relay':
    case 'application/dtmf': {
      const press = parseDtmfInfo(type, request.body);
      if (press === undefined) return request.reply(400);
      request.reply(200);
      place.live.onDigit(place.legId, press.digit, press.durationMs);
      return relayKey({ ...press, from: 'info' }, place);
    }
    case MEDIA_CONTROL:
      request.reply(200);
      return passKeyframeRequest(place);
    default:
      // One without a body asks whether the dialog lives.
      return request.body === '' ? request.reply(200) : request.reply(415, { Accept: ACCEPTED });
  }
}

/** The picture comes from the other party (RFC 5168 §5). */
function passKeyframeRequest({ live, legId, media, observer }: DialogPlace): void {
  const otherId = live.parties.counterpartOf(legId);
  const portId = otherId === undefined ? undefined : live.parties.standing(otherId)?.leg.portId;
  const asking = portId === undefined ? Promise.resolve('no-video' as const) : media.requestKeyframe(portId);
  asking
    .then((result) => observer({ kind: 'keyframe-requested', callId: live.call.callId, legId, result }))
    .catch((error: unknown) => live.logger.warn({ err: error, legId: otherId }, 'keyframe not asked for'));
}

const ACCEPTED = `application/dtmf-relay, application/dtmf, ${MEDIA_CONTROL}`;
