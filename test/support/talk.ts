/** A phone that calls somebody and talks with them in µ-law. */
import { encodeG711 } from '../../src/audio/index.ts';
import { RtpPeer } from './rtp-peer.ts';
import { audioSdp, type PhoneDialog, rtpPortOf, type SipPhone } from './sip-phone.ts';

const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];

export interface Talk {
  readonly rtp: RtpPeer;
  readonly dialog: PhoneDialog;
  readonly heard: () => Buffer;
  readonly answeredAt: number;
  readonly press: (digit: string) => Promise<void>;
  readonly speak: (sound: Float32Array | Int16Array) => void;
  readonly end: () => Promise<void>;
}

export async function talkTo(target: string, phone: SipPhone): Promise<Talk> {
  const rtp = await RtpPeer.open();
  const dialog = await phone.call(target, audioSdp(rtp.port, PCMU));
  const answeredAt = performance.now();
  const to = { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 99, step: 160 };
  return {
    rtp,
    dialog,
    answeredAt,
    heard: () => Buffer.concat(rtp.heard.map(({ payload }) => payload)),
    press: async (digit) => {
      rtp.pause();
      await rtp.sendDigit(digit, 100, { ...to, payloadType: 101, eventStep: 160 });
    },
    speak: (sound) => {
      const bytes = Buffer.from(encodeG711('PCMU', Int16Array.from(sound)));
      const frames = Array.from({ length: Math.floor(bytes.length / 160) }, (_, i) =>
        bytes.subarray(160 * i, 160 * (i + 1)),
      );
      rtp.play(frames, to);
    },
    end: async () => {
      await rtp.close();
      await dialog.bye();
    },
  };
}
