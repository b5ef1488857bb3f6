/** Texts of the operator with places for what is known of the call: ${from}, ${to}, ${callId}. */
import type { AgentCall } from '../calls/index.ts';

export type Template = string;

const PLACE = /\$\{(from|to|callId)\}/g;
/** What callers say of themselves reaches an agent as data: short, and without control characters. */
const MAX_VALUE = 256;

/** `escape` is applied to what is filled in, not to the operator's own text. */
export function filled(template: Template, call: AgentCall, escape: (value: string) => string = String): string {
  return template.replace(PLACE, (_place, key: 'from' | 'to' | 'callId') => escape(clean(call[key])));
}

export function clean(value: string): string {
  return value.replace(/\p{C}/gu, '').slice(0, MAX_VALUE);
}

/** The same for each of several. */
export function filledAll(templates: Readonly<Record<string, Template>>, call: AgentCall): Record<string, string> {
  return Object.fromEntries(Object.entries(templates).map(([key, value]) => [key, filled(value, call)]));
}
