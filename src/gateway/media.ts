/** The media plane from the configuration. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type RunningMediaPlane, startMediaPlane } from '../media/index.ts';
import { clock, type Parts, random } from './parts.ts';

export async function startMedia({ config, logger, scope, announced }: Parts): Promise<RunningMediaPlane> {
  const { media } = config;
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
      listenAddress: media.listenAddress,
      announcedAddress: announced,
      quarantineMs: media.quarantineSec * 1000,
      clock,
      random,
      logger,
    },
    clock,
    logger,
  });
  scope.add(() => plane.stop());
  return plane;
}
