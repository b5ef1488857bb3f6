/** What a `proxy` command asks for: drachtio-protocol §7. */
import type { SipHeader } from '../message/index.ts';
import { parseAppHeaders } from './app-headers.ts';

export interface ProxyPlan {
  readonly remainsInDialog: boolean;
  readonly reportsAnswers: boolean;
  readonly followsRedirects: boolean;
  readonly isSimultaneous: boolean;
  /** How long a target may stay silent, and may ring, before it is given up; in milliseconds. */
  readonly provisionalMs: number | undefined;
  readonly finalMs: number | undefined;
  readonly targets: readonly string[];
  /** Added to the request. */
  readonly headers: readonly SipHeader[];
}

const MAX_TARGETS = 10;
/** These are the request's, or ours. */
const NOT_ADDED = new Set(['From', 'To', 'Call-ID', 'CSeq', 'Contact', 'Max-Forwards', 'Max-Breadth']);

/** Reads the fields after the transaction id. */
export function readPlan(fields: readonly string[], headerLines: readonly string[]): ProxyPlan {
  const [remain = '', full = '', redirects = '', order = '', provisional = '', final = '', ...targets] = fields;
  return {
    remainsInDialog: remain !== '',
    reportsAnswers: full !== '',
    followsRedirects: redirects !== '',
    isSimultaneous: order === 'simultaneous',
    provisionalMs: readDuration(provisional),
    finalMs: readDuration(final),
    targets: targets.filter((uri) => uri !== '').slice(0, MAX_TARGETS),
    headers: parseAppHeaders(headerLines).filter((line) => !NOT_ADDED.has(line.name)),
  };
}

/** `2s` or `1500ms`; anything else is no limit. */
function readDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,7})(ms|s)$/.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : Number(digits) * (unit === 's' ? 1000 : 1);
}
