/** What an edge thread plays: sounds that it makes by itself, and recordings that it is handed. */
import type { Sound } from '../../calls/index.ts';

/** PCM, mono. It lies in shared memory: all threads read the same. */
export interface SharedPcm {
  readonly rateHz: number;
  readonly samples: Int16Array;
}

export type EdgeSound =
  | Exclude<Sound, { readonly kind: 'file' }>
  | {
      readonly kind: 'recording';
      /** Another one, another id. */
      readonly id: string;
      readonly pcm: SharedPcm;
      readonly isLooped: boolean;
    };
