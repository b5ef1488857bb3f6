/** A party without a network side: what its port is, and which codecs it can do. */
import type { AgentFacts, MediaPlane, PortOwner } from '../calls/index.ts';
import type { AudioCodecName, AudioFormat } from '../sdp/index.ts';
import type { BuiltInEndpoint } from './call-media.ts';

export interface BuiltInLeg {
  readonly owner: PortOwner;
  readonly endpoint: BuiltInEndpoint | AgentFacts;
}

/** `echo` returns packets as they come; `tone` must be encoded. */
const CODECS: Readonly<Record<BuiltInEndpoint, readonly AudioCodecName[]>> = {
  echo: ['opus', 'G722', 'PCMU', 'PCMA'],
  tone: ['G722', 'PCMU', 'PCMA'],
};

export function builtInCodecs({ endpoint }: BuiltInLeg): readonly AudioCodecName[] {
  return typeof endpoint === 'string' ? CODECS[endpoint] : [endpoint.encoding];
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
