/**
 * What an HTTP hook is asked, and how the question is signed: Standard Webhooks 1.0, so that a library that others
 * keep can verify it. The doing is elsewhere (`hooks/`).
 */
import { createHmac } from 'node:crypto';
import type { RouteRequest } from './request.ts';
import type { Hook, HookAnswer } from './route-schema.ts';

/** The body of the POST, as JSON. */
export interface HookFacts {
  readonly type: 'route.requested';
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly data: {
    readonly callId: string;
    readonly from: string;
    readonly to: string;
    readonly uri: string;
    readonly source: string;
    readonly trunk: string | null;
    readonly tenant: string;
    readonly isEmergency: boolean;
    /** Of the INVITE, those the hook's settings name and the call has. */
    readonly headers: Readonly<Record<string, string>>;
  };
}

/** `next`: the server leaves it to the next rule. `failed`: no usable answer in time. */
export type HookReply =
  | { readonly kind: 'route'; readonly answer: HookAnswer }
  | { readonly kind: 'next' }
  | { readonly kind: 'failed' };

/** Never rejects. When the signal fires nobody waits for the reply any more. */
export type RouteHook = (hook: Hook, facts: HookFacts, signal: AbortSignal | undefined) => Promise<HookReply>;

const MAX_VALUE = 512;
const MAX_HEADERS = 4_096;

/** A value as a server may see it: no control characters, and not endless. */
function clean(text: string): string {
  // oxlint-disable-next-line eslint/no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/gu, ' ').slice(0, MAX_VALUE);
}

export interface HookCall {
  readonly callId: string;
  readonly isEmergency: boolean;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
}

/** What the hook is told of a call. */
export function hookFacts(hook: Hook, request: RouteRequest, call: HookCall): HookFacts {
  let room = MAX_HEADERS;
  const headers: Record<string, string> = {};
  for (const name of hook.headers) {
    const value = request.headers(name);
    if (value === undefined) continue;
    const text = clean(value);
    room -= name.length + text.length;
    if (room < 0) break;
    headers[name] = text;
  }
  return {
    type: 'route.requested',
    timestamp: call.timestamp,
    data: {
      callId: call.callId,
      from: clean(request.from.user),
      to: clean(request.to.user),
      uri: clean(request.uri),
      source: request.source,
      trunk: request.trunk ?? null,
      tenant: request.tenant,
      isEmergency: call.isEmergency,
      headers,
    },
  };
}

/** The three headers of a signed message. `key`: `whsec_` and base64. */
export function signWebhook(
  message: { readonly id: string; readonly timestampSec: number; readonly body: string },
  key: string,
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const { id, timestampSec, body } = message;
  const signature = createHmac('sha256', Buffer.from(key.replace(/^whsec_/u, ''), 'base64'))
    .update(`${id}.${timestampSec}.${body}`)
    .digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampSec), 'webhook-signature': `v1,${signature}` };
}
