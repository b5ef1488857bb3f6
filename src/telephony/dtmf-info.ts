/** Digits in the body of an INFO, as phones and PBXs have sent them since before RFC 4733. */
const DEFAULT_MS = 160;
const MIN_MS = 40;
const MAX_MS = 5_000;

export interface DigitPress {
  /** 0-9 * # A-D */
  readonly digit: string;
  readonly durationMs: number;
}

/** Reads `application/dtmf-relay` (Signal= and Duration=) or `application/dtmf` (the key alone). */
export function parseDtmfInfo(
  type: 'application/dtmf-relay' | 'application/dtmf',
  body: string,
): DigitPress | undefined {
  if (body.length > 200) return undefined;
  const signal = type === 'application/dtmf' ? body : /^\s*Signal\s*=\s*(\S+)/im.exec(body)?.[1];
  const digit = digitOf(signal?.trim().toUpperCase() ?? '');
  if (digit === undefined) return undefined;
  const duration = Number(/^\s*Duration\s*=\s*(\d{1,6})/im.exec(body)?.[1] ?? DEFAULT_MS);
  return { digit, durationMs: Math.min(MAX_MS, Math.max(MIN_MS, duration)) };
}

/** Some count the star and the hash as the events 10 and 11 do (RFC 4733 §3.2). */
function digitOf(signal: string): string | undefined {
  if (/^[0-9*#A-D]$/.test(signal)) return signal;
  const event = /^1[0-5]$/.test(signal) ? Number(signal) : -1;
  return event < 0 ? undefined : '*#ABCD'[event - 10];
}

export function formatDtmfRelay(digit: string, durationMs: number): string {
  return `Signal=${digit}\r\nDuration=${durationMs}\r\n`;
}
