/** Whether the edge may leave a port to mediasoup: only when a packet needs nothing but to be passed on. Pure. */
import type { ConnectPort, ConnectRtpPort, ConnectWebRtcPort } from '../calls/index.ts';
import type { AudioFormat, TelephoneEventFormat } from '../sdp/index.ts';
import type { ProvenFlow } from './edge/index.ts';

/** What is known about one end of a bridge. */
export interface EndFacts {
  /** What it was connected with last. */
  readonly connected: ConnectPort | undefined;
  /** Who has to see its packets in the edge: a sound being played, a detector, a tap. */
  readonly watchers: ReadonlySet<string>;
}

export interface BridgeFacts {
  /** The end towards the SIP peer. */
  readonly sip: EndFacts;
  /** The other one; undefined while it is not bridged. */
  readonly far: EndFacts | undefined;
  readonly flow: ProvenFlow | undefined;
}

/** Why the edge carries a port. */
export type WhyCarried =
  | 'not-bridged'
  | 'not-connected'
  | 'no-browser'
  | 'no-phone'
  | 'encrypted'
  | 'on-hold'
  | 'formats-differ'
  | 'watched'
  | 'unproven';

/** Undefined: the port may be handed over. */
export function whyCarried({ sip, far, flow }: BridgeFacts): WhyCarried | undefined {
  if (far === undefined) return 'not-bridged';
  const [here, there] = [sip.connected, far.connected];
  if (here === undefined || there === undefined) return 'not-connected';
  if (here.kind !== 'rtp') return 'no-phone';
  if (there.kind !== 'webrtc') return 'no-browser';
  if (sip.watchers.size > 0 || far.watchers.size > 0) return 'watched';
  return whyChanged(here, there) ?? (flow === undefined ? 'unproven' : undefined);
}

/** What the edge does to the packets themselves. */
function whyChanged(here: ConnectRtpPort, there: ConnectWebRtcPort): WhyCarried | undefined {
  if (here.srtp !== undefined) return 'encrypted';
  if (here.direction !== 'sendrecv' || there.direction !== 'sendrecv') return 'on-hold';
  return isSameFormat(here.format, there.format) ? undefined : 'formats-differ';
}

/** What a new negotiation changes for a flow that mediasoup carries. */
export type Change = 'nothing' | 'direction' | 'all';

export function changeOf(before: ConnectPort | undefined, now: ConnectPort): Change {
  if (before === undefined || !hasDirection(before) || !hasDirection(now)) return 'all';
  const isSame = JSON.stringify({ ...before, direction: '' }) === JSON.stringify({ ...now, direction: '' });
  if (!isSame) return 'all';
  return before.direction === now.direction ? 'nothing' : 'direction';
}

const hasDirection = (request: ConnectPort): request is ConnectRtpPort | ConnectWebRtcPort =>
  request.kind === 'rtp' || request.kind === 'webrtc';

/** mediasoup looks at payload types only, and rewrites none of them here. */
function isSameFormat(sip: AudioFormat, browser: AudioFormat): boolean {
  const [a, b] = [sip, browser];
  return (
    a.codec.name === b.codec.name &&
    a.codec.payloadType === b.codec.payloadType &&
    a.codec.clockRate === b.codec.clockRate &&
    a.codec.channels === b.codec.channels &&
    a.ptimeMs === b.ptimeMs &&
    hasAll(browser, sip.telephoneEvents) &&
    hasAll(sip, eventsSentBy(browser))
  );
}

/**
 * A browser that has agreed to events of more than one rate sends those of the lowest, as Chromium does, or of the rate of
 * its audio, as RFC 4733 §2.1 has it. The others never come.
 */
function eventsSentBy({ codec, telephoneEvents }: AudioFormat): readonly TelephoneEventFormat[] {
  const lowest = Math.min(...telephoneEvents.map(({ clockRate }) => clockRate));
  return telephoneEvents.filter(({ clockRate }) => clockRate === lowest || clockRate === codec.clockRate);
}

function hasAll({ telephoneEvents }: AudioFormat, wanted: readonly TelephoneEventFormat[]): boolean {
  return wanted.every((event) => telephoneEvents.some((other) => isSameEvent(event, other)));
}

function isSameEvent(a: TelephoneEventFormat, b: TelephoneEventFormat): boolean {
  return a.payloadType === b.payloadType && a.clockRate === b.clockRate;
}
