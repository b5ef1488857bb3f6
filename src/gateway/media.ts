/** The media plane from the configuration. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { localAddresses } from '../config/index.ts';
import { type RunningMediaPlane, startMediaPlane } from '../media/index.ts';
import { clock, type Parts, random } from './parts.ts';

/** Long enough for what follows an answer: the first re-INVITE, the end of early media, the jitter of a new path. */
const handOverAfterMs = 2000;

export async function startMedia({ config, logger, scope, announced }: Parts): Promise<RunningMediaPlane> {
  const { media, rooms } = config;
  const cores = availableParallelism();
  const isWildcard = media.listenAddress === '0.0.0.0';
  const plane = await startMediaPlane({
    workerBin:
      media.workerBin ??
      process.env['MEDIASOUP_WORKER_BIN'] ??
      join(import.meta.dirname, '../../.viaduct/mediasoup-worker'),
    workers: media.workers === 0 ? cores : media.workers,
    webRtc: {
      addresses: [{ address: media.listenAddress, ...(isWildcard ? { announcedAddress: announced } : {}) }],
      port: media.webRtcPort,
    },
    edge: {
      threads: media.edgeThreads === 0 ? Math.max(1, Math.floor(cores / 2)) : media.edgeThreads,
      portRange: media.portRange,
      listen: [
        { address: media.listenAddress, announced },
        ...(media.listenAddress6 === undefined
          ? []
          : [{ address: media.listenAddress6, announced: announced6(media.announcedAddress6, media.listenAddress6) }]),
      ],
      opus: media.opus,
      quarantineMs: media.quarantineSec * 1000,
      clock,
      random,
      logger,
    },
    musicOnHold: media.musicOnHold,
    sounds: media.sounds,
    participantsPerRouter: rooms.participantsPerRouter,
    icePatience: { consentSec: media.iceConsentSec, graceSec: media.iceGraceSec },
    ...(media.handOver === 'auto' ? { handOverAfterMs } : {}),
    clock,
    logger,
  });
  scope.add(() => plane.stop());
  return plane;
}

/** `auto` is the address itself, or for `::` the first IPv6 address of this machine that is not loopback. */
function announced6(configured: string, address: string): string {
  if (configured !== 'auto') return configured;
  if (address !== '::') return address;
  return localAddresses().find((one) => one.includes(':') && one !== '::1') ?? '::1';
}
