/** Looks at the encoded frames that a page's call sends and receives: the very bytes of the RTP payloads. */
import type { Page } from 'playwright-core';

export interface TappedFrames {
  readonly sent: readonly Buffer[];
  readonly received: readonly Buffer[];
}

// Runs in a worker of the page (W3C webrtc-encoded-transform): every frame passes on unchanged.
const workerCode = `
onrtctransform = ({ transformer }) => {
  const { readable, writable, options } = transformer;
  const tap = new TransformStream({
    transform(frame, controller) {
      postMessage({ side: options.side, bytes: new Uint8Array(frame.data.slice(0)) });
      controller.enqueue(frame);
    },
  });
  readable.pipeThrough(tap).pipeTo(writable);
};`;

/**
 * Keeps the frames of the page's calls from now on, the latest call's only. To be called before the page is opened, and
 * the page must be opened without its content policy. Browsers take a transform only while a transceiver is new, so
 * the page gets a peer connection class that sets it there.
 */
export async function tapFrames(page: Page): Promise<void> {
  await page.addInitScript(`{
    let worker;
    window.tapped = { sent: [], received: [] };
    const tap = ({ sender, receiver }) => {
      worker ??= new Worker(URL.createObjectURL(new Blob([${JSON.stringify(workerCode)}], { type: 'text/javascript' })));
      worker.onmessage = ({ data }) => window.tapped[data.side].push(btoa(String.fromCharCode(...data.bytes)));
      sender.transform ??= new RTCRtpScriptTransform(worker, { side: 'sent' });
      receiver.transform ??= new RTCRtpScriptTransform(worker, { side: 'received' });
    };
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...init) {
        super(...init);
        window.tapped = { sent: [], received: [] };
        this.addEventListener('track', ({ transceiver }) => tap(transceiver));
      }
      addTransceiver(...init) {
        const transceiver = super.addTransceiver(...init);
        tap(transceiver);
        return transceiver;
      }
    };
  }`);
}

/** The frames so far. */
export async function tappedFrames(page: Page): Promise<TappedFrames> {
  const { sent, received } = await page.evaluate<{ sent: string[]; received: string[] }>('window.tapped');
  const decode = (frames: string[]): Buffer[] => frames.map((frame) => Buffer.from(frame, 'base64'));
  return { sent: decode(sent), received: decode(received) };
}
