import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { BenchOptions, Figures, Goal } from '../lib/goal.ts';
import { hasProgram } from '../lib/packages.ts';
import { highestCleanRate, type SignalingPeer } from '../lib/signaling-run.ts';
import { startAsterisk } from '../peers/asterisk.ts';
import { startKamailio } from '../peers/kamailio.ts';
import { startViaduct } from '../peers/viaduct-signaling.ts';

const ourRates = [100, 200, 300, 400, 500, 600, 700, 800, 1000];
const kamailioRates = [600, 800, 1000, 1200];
const asteriskRates = [100, 150, 200, 250, 300, 400];

/** SIPp → somebody → SIPp, each call held for one second. */
async function measure(
  name: string,
  rates: readonly number[],
  begin: (folder: string) => Promise<SignalingPeer | undefined>,
  options: BenchOptions,
): Promise<Figures | 'missing'> {
  const folder = path.join(options.folder, `p4-${name}`);
  mkdirSync(folder, { recursive: true });
  const peer = await begin(folder);
  if (peer === undefined) return 'missing';
  try {
    return await highestCleanRate(peer, { name, folder, rates }, options);
  } finally {
    await peer.stop();
  }
}

/** Call set-up and clearing as a B2BUA, product as shipped. */
export const p4: Goal = {
  id: 'P4',
  about: 'signaling as B2BUA between two trunks',
  target: 'at least 600 calls/s without a retransmission, at most 2.0 ms of CPU for a call',
  async measure(options) {
    const { log } = options;
    if (!(await hasProgram('sipp', log))) throw new Error('P4 needs SIPp: apt-get install sip-tester');
    const ours = async (media: 'bypass' | 'rtp'): Promise<Figures> => {
      const figures = await measure(`viaduct-${media}`, ourRates, (folder) => startViaduct(folder, media), options);
      return figures === 'missing' ? { value: 0 } : figures;
    };
    const viaduct = await ours('bypass');
    const kamailio = (await hasProgram('kamailio', log))
      ? await measure('kamailio', kamailioRates, startKamailio, options)
      : 'missing';
    const asterisk = await measure('asterisk', asteriskRates, (folder) => startAsterisk(folder, log), options);
    const result = (unit: string, figures: Figures, peers: Readonly<Record<string, Figures | 'missing'>>) => ({
      id: 'P4',
      unit,
      calls: Math.round(figures.value * options.seconds),
      viaduct: figures,
      peers,
    });
    return [
      // drachtio-server is in no package registry, so it cannot be installed from here.
      result('calls/s', viaduct, { drachtio: 'missing', kamailio, asterisk }),
      result('calls/s with media anchored', await ours('rtp'), {}),
    ];
  },
};
