/** A call between two users that goes on all the while, and must notice nothing. */
import { expect } from 'vitest';
import type { Gateway } from './gateway.ts';
import { RtpPeer } from './rtp-peer.ts';
import { audioSdp, rtpPortOf, SipPhone } from './sip-phone.ts';
import { watchStalls } from './stalls.ts';
import { until } from './until.ts';

const PCMU = ['0 PCMU/8000', '101 telephone-event/8000'];

export interface Beside {
  /** Every frame came, in its order and in its time. */
  heardAll(): void;
  stop(): Promise<void>;
}

export async function talkBeside(gateway: Gateway): Promise<Beside> {
  const [alice, bob] = [await phoneOf(gateway, 'alice'), await phoneOf(gateway, 'bob')];
  const [speaks, hears] = [await RtpPeer.open(), await RtpPeer.open()];
  const answering = bob.answer(() => audioSdp(hears.port, PCMU));
  const dialog = await alice.call('bob', audioSdp(speaks.port, PCMU));
  await answering;
  const frames = Array.from({ length: 200 }, (_, index) => Buffer.alloc(160, index));
  speaks.play(frames, { port: rtpPortOf(dialog.remoteSdp), payloadType: 0, ssrc: 3, step: 160 });
  await until(() => hears.heard.length > 20, { within: 5_000, what: 'the call beside' });
  // Of this process, which speaks and hears.
  const stalls = watchStalls();
  return {
    heardAll: () => {
      const { heard } = hears;
      expect(heard.length).toBeGreaterThan(200);
      const steps = heard.slice(1).map(({ sequence }, index) => (sequence - (heard[index]?.sequence ?? 0)) & 0xffff);
      expect(steps.filter((step) => step !== 1)).toEqual([]);
      const gaps = heard.slice(1).map(({ at }, index) => at - (heard[index]?.at ?? 0));
      expect(Math.max(...gaps)).toBeLessThan(500 + stalls.longestMs());
    },
    stop: async () => {
      stalls.stop();
      await speaks.close();
      await hears.close();
      await alice.close();
      await bob.close();
    },
  };
}

/** A registered one. */
export async function phoneOf(gateway: Gateway, user: string): Promise<SipPhone> {
  const { password } = gateway.credentials(user);
  const phone = await SipPhone.open({ user, password, domain: gateway.domain, gatewayPort: gateway.sipPort });
  await phone.register();
  return phone;
}
