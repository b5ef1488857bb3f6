/** Requests outside calls: REGISTER, keep-alive OPTIONS, and what we do not serve. */

import { parseNameAddr, parseUri } from '../sip/message/index.ts';
import { ALLOW, SUPPORTED_IN_DIALOG } from './allow.ts';
import { type IdentifyContext, profileFor } from './caller.ts';
import { findObstacle } from './obstacles.ts';
import type { PageMessages } from './page-message.ts';
import type { Registrar } from './registrar.ts';
import type { InboundRequest } from './sip-ports.ts';

const CAPABILITIES = {
  Allow: ALLOW,
  Accept: 'application/sdp',
  Supported: `path, outbound, ${SUPPORTED_IN_DIALOG}`,
};

export interface RequestServices {
  readonly registrar: Registrar;
  readonly messages: PageMessages;
}

export function answerRequest(
  request: InboundRequest,
  context: IdentifyContext,
  { registrar, messages }: RequestServices,
): Promise<void> | undefined {
  const obstacle = findObstacle(request);
  if (obstacle !== undefined) {
    request.reply(obstacle.status, obstacle.headers);
    return undefined;
  }
  if (request.method === 'REGISTER') return answerRegister(request, context, registrar);
  // With a To tag it belongs to a dialog that is no more (RFC 3261 §12.2.2).
  if (parseNameAddr(request.header('To') ?? '')?.params.has('tag') === true) request.reply(481);
  else if (request.method === 'OPTIONS') request.reply(200, CAPABILITIES);
  else if (request.method === 'MESSAGE') return messages.answer(request);
  // No event of ours can be subscribed to (RFC 6665 §8.3.2).
  else if (request.method === 'SUBSCRIBE' || request.method === 'PUBLISH')
    request.reply(489, { 'Allow-Events': 'refer' });
  else request.reply(405, { Allow: CAPABILITIES.Allow });
  return undefined;
}

/** A user registers for its own AOR only; what host it names does not matter, all of them are ours. */
function answerRegister(
  request: InboundRequest,
  context: IdentifyContext,
  registrar: Registrar,
): Promise<void> | undefined {
  const to = parseNameAddr(request.header('To') ?? '');
  const uri = to === undefined ? undefined : parseUri(to.uri);
  if (uri === undefined || uri.scheme === 'tel' || uri.user === '') {
    request.reply(400);
    return undefined;
  }
  const profile = profileFor(request.source.transport, context.profiles);
  const refusal = refuseRegister(request, uri.user, context);
  if (refusal === undefined)
    return registrar.register(request, `sip:${uri.user}@${context.domain}`, profile.registration);
  request.reply(refusal.status, refusal.headers);
  return undefined;
}

function refuseRegister(
  request: InboundRequest,
  user: string,
  { authenticator, profiles }: IdentifyContext,
): { status: number; headers: Readonly<Record<string, string>> } | undefined {
  const { auth } = profileFor(request.source.transport, profiles);
  if (!auth.required) return authenticator.isUser(user) ? undefined : { status: 404, headers: {} };
  const verdict = authenticator.check(request, auth);
  if (verdict.kind === 'challenge') return verdict;
  // A trunk's account is for calls: it has no address of record here.
  return verdict.kind === 'authenticated' && verdict.user.name === user ? undefined : { status: 403, headers: {} };
}
