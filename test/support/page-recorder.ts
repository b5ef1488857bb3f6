/** Keeps all that a page's calls let it hear, from the very first sample: what `hear` begins with is later. */
import type { Page } from 'playwright-core';
import type { Sound } from './sound.ts';

/** To be called before the page is opened, and the page must be opened without its content policy. */
export async function recordAll(page: Page): Promise<void> {
  await page.addInitScript(`{
    window.recorded = { rateHz: 48000, parts: [] };
    const keep = async (track) => {
      const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 500 }).readable.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const floats = new Float32Array(value.numberOfFrames);
        value.copyTo(floats, { planeIndex: 0, format: 'f32-planar' });
        window.recorded.rateHz = value.sampleRate;
        value.close();
        window.recorded.parts.push(Int16Array.from(floats, (each) => Math.max(-1, Math.min(1, each)) * 32767));
      }
    };
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...init) {
        super(...init);
        window.recorded.parts = [];
        this.addEventListener('track', ({ track }) => { if (track.kind === 'audio') void keep(track.clone()); });
      }
    };
  }`);
}

/** What the latest call has let the page hear so far. */
export async function recordedSound(page: Page): Promise<Sound> {
  const { rateHz, base64 } = await page.evaluate<{ rateHz: number; base64: string }>(`(() => {
    const { rateHz, parts } = window.recorded;
    const bytes = new Uint8Array(2 * parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) { bytes.set(new Uint8Array(part.buffer), at); at += part.byteLength; }
    let text = '';
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return { rateHz, base64: btoa(text) };
  })()`);
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  const words = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  return { rateHz, samples: Float32Array.from(words, (word) => word / 32768) };
}
