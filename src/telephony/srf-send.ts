/** How responses leave through drachtio-srf. */
import type { SipHeaders } from './sip-ports.ts';
import type { SendOptions, SrfMessage, SrfResponse } from './srf-types.ts';

export const SDP_TYPE = { 'Content-Type': 'application/sdp' };

const ignore = (): void => {};

export function reasonHeader(reason: string | undefined): Record<string, string> {
  return reason === undefined ? {} : { Reason: reason };
}

export function send(response: SrfResponse, status: number, headers: SipHeaders, body?: string): void {
  const options = sendOptions(headers, body);
  try {
    response.send(status, options);
  } catch {
    // drachtio-srf knows the registered statuses only; x00 means the same to whoever gets it (RFC 3261 §8.1.3.2).
    response.send(Math.floor(status / 100) * 100, options);
  }
}

/** Drachtio-srf calls back for what was sent reliably only; an unregistered status is told as 183. */
export function sendProvisional(
  response: SrfResponse,
  { status, headers, body }: { status: number; headers: SipHeaders; body: string | undefined },
  onPrack: (body: string) => void,
): void {
  const heard = (prack: SrfMessage): void => onPrack(prack.body ?? '');
  try {
    response.send(status, sendOptions(headers, body), ignore, heard);
  } catch {
    response.send(183, sendOptions(headers, body), ignore, heard);
  }
}

function sendOptions(headers: SipHeaders, body: string | undefined): SendOptions {
  return body === undefined ? { headers: { ...headers } } : { headers: { ...headers, ...SDP_TYPE }, body };
}
