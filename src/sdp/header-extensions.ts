/** RTP header extensions that a description of ours may have (RFC 8285). */
import type { HeaderExtension, LocalRtp, LocalWebRtc } from './model.ts';

/** Numbers the packets of a whole transport, so that their receiver can tell the sender how the path is doing. */
export const TRANSPORT_CC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';

/** An answer must keep the offer's ids (RFC 8285 §6), and ours cannot be chosen: those that coincide remain. */
export function sharedExtensions(
  remote: { readonly headerExtensions: readonly HeaderExtension[] },
  transport: LocalRtp | LocalWebRtc,
): HeaderExtension[] {
  if (transport.kind === 'rtp') return [];
  return transport.headerExtensions.filter((ours) =>
    remote.headerExtensions.some((theirs) => theirs.uri === ours.uri && theirs.id === ours.id),
  );
}
