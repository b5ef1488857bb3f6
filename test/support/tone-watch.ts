/**
 * What a page hears, frame by frame and with times of its own: how strong each of some tones is, when, and how many
 * packets its peer connection has received. The page measures by itself, so that a test that is late measures the same.
 */
import type { Page } from 'playwright-core';

/** 10 ms of what is played. */
export interface ToneFrame {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Of each tone, amplitude. */
  readonly levels: readonly number[];
}

export interface PacketCount {
  readonly at: number;
  readonly packetsReceived: number;
  readonly concealedSamples: number;
}

interface Taken {
  readonly frames: readonly { readonly readAt: number; readonly timestampMs: number; readonly levels: number[] }[];
  readonly counts: readonly PacketCount[];
}

export class ToneWatch {
  readonly frames: ToneFrame[] = [];
  readonly counts: PacketCount[] = [];
  readonly #page: Page;
  /** From the media clock of frames to the time of day: by the frame that was read with the least delay. */
  #offsetMs = Number.POSITIVE_INFINITY;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Of what the softphone in `page` plays; tones of multiples of 100 Hz do not disturb one another within a frame. */
  static async start(page: Page, tonesHz: readonly number[]): Promise<ToneWatch> {
    await page.evaluate(watchInPage, { tonesHz: [...tonesHz] });
    return new ToneWatch(page);
  }

  /** Fetches what was heard since the last time. */
  async take(): Promise<void> {
    const { frames, counts } = await this.#page.evaluate(() =>
      (globalThis as unknown as { toneWatch: { take(): Taken } }).toneWatch.take(),
    );
    for (const { readAt, timestampMs } of frames) this.#offsetMs = Math.min(this.#offsetMs, readAt - timestampMs);
    for (const { timestampMs, levels } of frames) this.frames.push({ at: timestampMs + this.#offsetMs, levels });
    this.counts.push(...counts);
  }

  /** Forgets what was fetched. */
  clear(): void {
    this.frames.length = 0;
    this.counts.length = 0;
  }

  async stop(): Promise<void> {
    await this.#page.evaluate(() =>
      (globalThis as unknown as { toneWatch: { stop(): Promise<void> } }).toneWatch.stop(),
    );
  }
}

/** Runs in the page. */
async function watchInPage({ tonesHz }: { tonesHz: number[] }): Promise<void> {
  interface Frame {
    readonly sampleRate: number;
    readonly numberOfFrames: number;
    readonly timestamp: number;
    copyTo(target: Float32Array, options: { planeIndex: number; format: string }): void;
    close(): void;
  }
  interface Stat {
    readonly type: string;
    readonly kind: string;
    readonly packetsReceived: number;
    readonly concealedSamples: number;
  }
  interface Here {
    readonly document: {
      querySelector(selector: string): { srcObject: { getAudioTracks(): { clone(): { stop(): void } }[] } };
    };
    readonly MediaStreamTrackProcessor: new (init: {
      track: unknown;
      maxBufferSize: number;
    }) => {
      readable: { getReader(): { read(): Promise<{ done: boolean; value: Frame }>; cancel(): Promise<void> } };
    };
    readonly softphone: { readonly peerConnection: { getStats(): Promise<Map<string, Stat>> } };
    toneWatch: { take(): Taken; stop(): Promise<void> };
  }
  const here = globalThis as unknown as Here;
  const nowMs = (): number => performance.timeOrigin + performance.now();
  const track = here.document.querySelector('#remote-audio').srcObject.getAudioTracks()[0]!.clone();
  const reader = new here.MediaStreamTrackProcessor({ track, maxBufferSize: 500 }).readable.getReader();
  let frames: Taken['frames'][number][] = [];
  let counts: PacketCount[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const amplitude = (samples: Float32Array, hz: number, rateHz: number): number => {
    const omega = (2 * Math.PI * hz) / rateHz;
    let [re, im] = [0, 0];
    for (let i = 0; i < samples.length; i++) {
      re += samples[i]! * Math.cos(omega * i);
      im += samples[i]! * Math.sin(omega * i);
    }
    return (2 * Math.hypot(re, im)) / samples.length;
  };
  const listen = async (): Promise<void> => {
    for (;;) {
      const { done, value: frame } = await reader.read();
      if (done) return;
      const samples = new Float32Array(frame.numberOfFrames);
      frame.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      const levels = tonesHz.map((hz) => amplitude(samples, hz, frame.sampleRate));
      frames.push({ readAt: nowMs(), timestampMs: frame.timestamp / 1000, levels });
      frame.close();
    }
  };
  const count = async (): Promise<void> => {
    const stats = await here.softphone.peerConnection.getStats();
    for (const { type, kind, packetsReceived, concealedSamples } of stats.values())
      if (type === 'inbound-rtp' && kind === 'audio') counts.push({ at: nowMs(), packetsReceived, concealedSamples });
    timer = setTimeout(() => void count(), 10);
  };
  here.toneWatch = {
    take: () => {
      const taken = { frames, counts };
      frames = [];
      counts = [];
      return taken;
    },
    stop: async () => {
      clearTimeout(timer);
      await reader.cancel();
      track.stop();
    },
  };
  void listen();
  void count();
}
