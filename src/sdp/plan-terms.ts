/** What a profile says about codecs, and which of those that a party named remain under it. */
import type { AudioCodec, AudioCodecName, SdpKind } from './model.ts';
import type { OpusTerms } from './opus-parameters.ts';

export interface CodecTerms {
  /** Those that may be used. */
  readonly codecs: readonly AudioCodecName[];
  /** Whose order of preference counts: that of the peer's description, or that of `codecs`. Default `peer`. */
  readonly codecOrder?: 'peer' | 'profile' | undefined;
  /** Whether its calls may be transcoded. Default true. */
  readonly transcoding?: boolean | undefined;
  /** What its peers are asked for and sent, ms; undefined: what they ask for. */
  readonly ptimeMs?: number | undefined;
  readonly opus?: OpusTerms | undefined;
}

/** What a description lists and its profile allows, the most preferred first. A browser never has L16. */
export function admitted(codecs: readonly AudioCodec[], terms: CodecTerms, kind: SdpKind): readonly AudioCodec[] {
  const able = codecs.filter(({ name }) => terms.codecs.includes(name) && (kind === 'rtp' || name !== 'L16'));
  if (terms.codecOrder !== 'profile') return able;
  return able.toSorted((a, b) => terms.codecs.indexOf(a.name) - terms.codecs.indexOf(b.name));
}
