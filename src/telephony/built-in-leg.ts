/** A party without a network side: what its port is, and what the codec planner is to know of it. */
import { type AgentFacts, agentRateHz, type MediaPlane, type PortOwner } from '../calls/index.ts';
import {
  type AudioCodec,
  type AudioCodecName,
  type AudioFormat,
  type CodecTerms,
  isSameCodec,
  ownCodec,
  type PlanSide,
} from '../sdp/index.ts';
import type { BuiltInEndpoint } from './call-media.ts';

export interface BuiltInLeg {
  readonly owner: PortOwner;
  readonly endpoint: BuiltInEndpoint | AgentFacts;
}

/** `echo` returns packets as they come; `tone` must be encoded. */
const CODECS: Readonly<Record<BuiltInEndpoint, readonly AudioCodecName[]>> = {
  echo: ['opus', 'G722', 'PCMU', 'PCMA', 'L16'],
  tone: ['opus', 'G722', 'PCMU', 'PCMA', 'L16'],
};

export function builtInTerms({ endpoint }: BuiltInLeg): CodecTerms {
  return { codecs: typeof endpoint === 'string' ? CODECS[endpoint] : [agentCodec(endpoint).name] };
}

/** What its port sends and receives: an agent's 16-bit samples at its own rate are L16, which the media plane transcodes. */
export function agentCodec({ encoding }: AgentFacts): AudioCodec {
  if (encoding === 'PCMU' || encoding === 'PCMA') return ownCodec(encoding);
  return { ...ownCodec('L16'), clockRate: agentRateHz(encoding) };
}

/** It has every codec it knows under the payload types of the caller, and its telephone-events and packet time. */
export function builtInSide(leg: BuiltInLeg, caller: PlanSide['audio'] | undefined): PlanSide {
  const terms = builtInTerms(leg);
  const find = (isIt: (codec: AudioCodec) => boolean): AudioCodec | undefined => caller?.codecs.find(isIt);
  const codecs =
    typeof leg.endpoint === 'string'
      ? terms.codecs.map((name) => find((each) => each.name === name) ?? ownCodec(name))
      : [agentCodec(leg.endpoint)].map((codec) => find((each) => isSameCodec(each, codec)) ?? codec);
  const audio = { codecs, telephoneEvents: caller?.telephoneEvents ?? [], ptimeMs: caller?.ptimeMs ?? 20 };
  return { kind: 'rtp', audio, spoke: 'offered', terms };
}

export async function openBuiltIn({ owner, endpoint }: BuiltInLeg, media: MediaPlane): Promise<void> {
  if (typeof endpoint === 'string') return media.open({ ...owner, kind: 'built-in', endpoint });
  const { encoding, prebufferMs } = endpoint;
  return media.open({ ...owner, kind: 'agent', encoding, prebufferMs });
}

export function connectBuiltIn(leg: BuiltInLeg, format: AudioFormat, media: MediaPlane): Promise<void> {
  const { portId } = leg.owner;
  return media.connect({ kind: typeof leg.endpoint === 'string' ? 'built-in' : 'agent', portId, format });
}
