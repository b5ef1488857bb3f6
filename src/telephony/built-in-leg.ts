/** A party without a network side: what its port is, and what the codec planner is to know of it. */
import type { AgentFacts, MediaPlane, PortOwner } from '../calls/index.ts';
import { type AudioCodecName, type AudioFormat, type CodecTerms, ownCodec, type PlanSide } from '../sdp/index.ts';
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
  return { codecs: typeof endpoint === 'string' ? CODECS[endpoint] : [endpoint.encoding] };
}

/** It has every codec it knows under the payload types of the caller, and its telephone-events and packet time. */
export function builtInSide(leg: BuiltInLeg, caller: PlanSide['audio'] | undefined): PlanSide {
  const terms = builtInTerms(leg);
  const codecs = terms.codecs.map((name) => caller?.codecs.find((each) => each.name === name) ?? ownCodec(name));
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
