/**
 * The operator's own headers for an agent that is reached by SIP, with places for what is known of the call: ${from},
 * ${to}, ${callId}. What callers say of themselves is data (T15): short, and without control characters. Pure.
 */
import type { SipHeaders } from './sip-ports.ts';

export interface KnownCall {
  readonly from: string;
  readonly to: string;
  readonly callId: string;
}

const PLACE = /\$\{(from|to|callId)\}/g;
const MAX_VALUE = 256;

export function agentHeaders(templates: SipHeaders, call: KnownCall): SipHeaders {
  const filled = (template: string): string =>
    template.replace(PLACE, (_place, key: keyof KnownCall) => call[key].replace(/\p{C}/gu, '').slice(0, MAX_VALUE));
  return Object.fromEntries(Object.entries(templates).map(([name, template]) => [name, filled(template)]));
}
