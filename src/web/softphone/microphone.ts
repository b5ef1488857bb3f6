/** The microphone, asked for early and kept open between calls, so that a call never waits for it. */
import { type Trouble, troubleOfMicrophone } from './trouble.ts';

export type MicrophoneResult =
  | { readonly kind: 'track'; readonly track: MediaStreamTrack }
  | { readonly kind: 'trouble'; readonly trouble: Trouble };

export class Microphone {
  #source: MediaStreamTrack | undefined;
  #pending: Promise<MicrophoneResult> | undefined;
  #rawAudio = false;

  /** True: no processing of the sound. Takes effect when the microphone is opened next. */
  set rawAudio(rawAudio: boolean) {
    if (rawAudio !== this.#rawAudio) this.release();
    this.#rawAudio = rawAudio;
  }

  /** Opens the microphone if it is not open. The result tells what went wrong; it does not throw. */
  async warm(): Promise<Trouble | undefined> {
    const result = await this.#open();
    return result.kind === 'trouble' ? result.trouble : undefined;
  }

  /** A track for one call, to be stopped by that call; undefined while the microphone is not open yet. */
  takeNow(): MediaStreamTrack | undefined {
    return this.#source?.readyState === 'live' ? forCall(this.#source) : undefined;
  }

  /** Like `takeNow`, waiting for the person to allow the microphone. */
  async take(): Promise<MicrophoneResult> {
    const result = await this.#open();
    return result.kind === 'track' ? { kind: 'track', track: forCall(result.track) } : result;
  }

  /** Closes the microphone: the browser's recording mark goes out. */
  release(): void {
    this.#source?.stop();
    this.#source = undefined;
    this.#pending = undefined;
  }

  #open(): Promise<MicrophoneResult> {
    if (this.#source?.readyState === 'live') return Promise.resolve({ kind: 'track', track: this.#source });
    this.#pending ??= this.#ask().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #ask(): Promise<MicrophoneResult> {
    // Browsers hide mediaDevices from pages that are neither https nor localhost.
    if (!window.isSecureContext) return { kind: 'trouble', trouble: 'insecure-page' };
    const on = !this.#rawAudio;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: on, noiseSuppression: on, autoGainControl: on, channelCount: 1 },
        video: false,
      });
      const [track] = stream.getAudioTracks();
      if (track === undefined) return { kind: 'trouble', trouble: 'microphone-missing' };
      // Nothing is heard between calls: the clones that calls get are switched on, the source is not.
      track.enabled = false;
      this.#source = track;
      return { kind: 'track', track };
    } catch (error) {
      return { kind: 'trouble', trouble: troubleOfMicrophone(error instanceof DOMException ? error.name : '') };
    }
  }
}

function forCall(source: MediaStreamTrack): MediaStreamTrack {
  const track = source.clone();
  track.enabled = true;
  return track;
}
