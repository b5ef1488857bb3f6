/**
 * The media of a party of ours in the place of the caller: towards the planner it has made an offer like anybody, with the
 * one codec that it has; towards the media plane it is an agent's port.
 */
import type { AgentFacts, MediaPlane, PortOwner } from '../calls/index.ts';
import type { Random } from '../kernel/index.ts';
import type { LocalRtp } from '../sdp/index.ts';
import { agentCodec } from './built-in-leg.ts';
import { LegMedia, type LegMediaPlane } from './leg-media.ts';
import type { ProfilePolicy } from './options.ts';

export interface AgentCallerMediaOptions {
  readonly owner: PortOwner;
  readonly facts: AgentFacts;
  readonly profile: ProfilePolicy;
  readonly media: MediaPlane;
  readonly random: Random;
}

/** Nobody is told of it. */
const NOWHERE: LocalRtp = { kind: 'rtp', rtp: { address: '127.0.0.1', rtpPort: 9, rtcpPort: 10 } };

/** `offer`: what it says as a caller. */
export function agentCallerMedia({ owner, facts, profile, media, random }: AgentCallerMediaOptions): {
  readonly inbound: LegMedia;
  readonly offer: string;
} {
  const { name, payloadType, clockRate } = agentCodec(facts);
  const { encoding, prebufferMs } = facts;
  const plane: LegMediaPlane = {
    // Only ever asked for the port of a SIP peer.
    open: async () => {
      await media.open({ ...owner, kind: 'agent', encoding, prebufferMs });
      return NOWHERE as never;
    },
    connect: async ({ format, portId }) => media.connect({ kind: 'agent', portId, format }),
    openVideo: async (portId) => media.openVideo(portId),
    restartIce: async (portId) => media.restartIce(portId),
    close: async (portId) => media.close(portId),
  };
  const own: ProfilePolicy = { ...profile, codecs: [name], srtp: 'refused', video: [] };
  const inbound = new LegMedia({ owner, kind: 'rtp', profile: own, media: plane, random, signalingAddress: undefined });
  const offer = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio 9 RTP/AVP ${payloadType}`,
    `a=rtpmap:${payloadType} ${name}/${clockRate}`,
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n');
  inbound.hear(offer);
  return { inbound, offer };
}
