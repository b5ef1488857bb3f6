/** The codecs that a party may be asked for in a new offer of ours: those it named, and some that it may know. */
import { ownCodec } from './codec-list.ts';
import type { AudioCodec, AudioCodecName, RemoteAudio } from './model.ts';

export interface WidenRequest {
  readonly inUse: AudioCodec;
  readonly known: Pick<RemoteAudio, 'codecs' | 'telephoneEvents'>;
  /** Further ones that may be tried. */
  readonly more: readonly AudioCodecName[];
}

/** The one in use first, then those known, then the others under payload types that are free. */
export function widenedCodecs({ inUse, known, more }: WidenRequest): readonly AudioCodec[] {
  const rest = known.codecs.filter((codec) => codec.name !== inUse.name);
  const taken = new Set([inUse, ...rest, ...known.telephoneEvents].map(({ payloadType }) => payloadType));
  const guessed = more
    .filter((name) => name !== inUse.name && rest.every((codec) => codec.name !== name))
    .map(ownCodec)
    .filter(({ payloadType }) => !taken.has(payloadType));
  return [inUse, ...rest, ...guessed];
}
