/** The answer of an endpoint that is told which codecs it may use: a built-in party, or a peer that is to keep a codec. */
import { fittingFirst } from './codec-list.ts';
import type { AudioCodecName, AudioFormat, RemoteAudio } from './model.ts';

/** The remote's first codec that the endpoint can do; undefined when there is none. */
export function planBuiltIn(request: {
  readonly remote: Pick<RemoteAudio, 'codecs' | 'telephoneEvents' | 'ptimeMs'>;
  /** What the endpoint can do and the profile allows. */
  readonly codecs: readonly AudioCodecName[];
}): { readonly format: AudioFormat; readonly reason: string } | undefined {
  const { remote, codecs } = request;
  const codec = remote.codecs.find((each) => codecs.includes(each.name));
  if (codec === undefined) return undefined;
  // One telephone-event at most, of the codec's clock rate when there is one (see plan-codecs.ts).
  const telephoneEvents = fittingFirst(codec, remote.telephoneEvents).slice(0, 1);
  return {
    format: { codec, telephoneEvents, ptimeMs: remote.ptimeMs },
    reason: `${codec.name} is the party's first codec that the built-in endpoint can do`,
  };
}
