/** The HTTP servers: API, pages, and the way of browsers to the engine. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { loadApiToken, localAddresses } from '../config/index.ts';
import type { RunningMediaPlane } from '../media/index.ts';
import { loadCertificate, loadWebFiles, type Ops, type OpsViews, type SipUpstream, startOps } from '../ops/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { Telephony } from '../telephony/index.ts';
import { clock, type Parts, random } from './parts.ts';

export function createViews({
  telephony,
  media,
  metrics,
}: {
  telephony: Telephony;
  media: RunningMediaPlane;
  metrics: Metrics;
}): OpsViews {
  return {
    calls: (limit) => telephony.records(limit),
    call: (callId) => telephony.record(callId),
    registrations: () => telephony.registrations(),
    metrics: () => metrics.scrape(),
    readiness: () => Promise.resolve({ sip: telephony.isConnected, media: media.workersRunning > 0 }),
  };
}

export async function startWeb(
  parts: Parts,
  views: OpsViews,
  upstream: SipUpstream | undefined,
): Promise<Ops & { isSelfSigned: boolean }> {
  const { config, logger, scope, announced } = parts;
  const files = await loadWebFiles(join(import.meta.dirname, '../web/softphone'));
  const certificate = config.https.enabled
    ? await loadCertificate({
        certificate: config.https.certificate,
        key: config.https.key,
        folder: config.data,
        names: [...new Set(['localhost', hostname(), announced, ...localAddresses()])],
        nowMs: clock.wallTime(),
      })
    : undefined;
  const ops = await startOps({
    http: config.http.enabled ? config.http : undefined,
    https: certificate === undefined ? undefined : { ...config.https, certificate },
    sipUpstream: upstream,
    token: config.api.token ?? loadApiToken(config.data, random),
    domain: config.sip.domain,
    files,
    views,
    logger,
  });
  scope.add(() => ops.close());
  return { ...ops, isSelfSigned: certificate?.isSelfSigned ?? false };
}
