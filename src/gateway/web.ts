/** The HTTP servers: API, pages, and the way of browsers to the engine. */
import { join } from 'node:path';
import { type CallControl, sipCallIdsOf } from '../calls/index.ts';
import { loadApiToken } from '../config/index.ts';
import type { RunningMediaPlane } from '../media/index.ts';
import {
  loadWebFiles,
  type Ops,
  type OpsViews,
  type Reload,
  type ServeForms,
  type SipUpstream,
  startOps,
} from '../ops/index.ts';
import type { Signaling } from '../signaling/index.ts';
import type { SipServer } from '../sip/server/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { Telephony } from '../telephony/index.ts';
import { type Parts, random } from './parts.ts';

export function createViews({
  telephony,
  media,
  metrics,
  server,
}: {
  telephony: Telephony;
  media: RunningMediaPlane;
  metrics: Metrics;
  /** Undefined with a drachtio-server, which does not tell what went over the wire. */
  server: SipServer | undefined;
}): OpsViews {
  return {
    calls: (query) => telephony.records(query),
    call: (callId) => telephony.record(callId),
    messages: async ({ legs }) => (await server?.messagesOf(legs.flatMap(sipCallIdsOf))) ?? [],
    registrations: () => telephony.registrations(),
    trunks: () => telephony.trunks(),
    tolls: () => telephony.tolls(),
    resetToll: (tenant) => telephony.resetToll(tenant),
    bans: () => telephony.bans(),
    liftBan: (address) => telephony.liftBan(address),
    metrics: () => metrics.scrape(),
    readiness: () => Promise.resolve({ sip: telephony.isConnected, media: media.workersRunning > 0 }),
  };
}

interface WebInput {
  readonly views: OpsViews;
  readonly control: CallControl;
  readonly reload: Reload;
  readonly twilio: ServeForms;
  readonly upstream: SipUpstream | undefined;
  /** Takes `/rtc`. */
  readonly signaling: Signaling | undefined;
}

export async function startWeb(
  parts: Parts,
  { views, control, reload, twilio, upstream, signaling }: WebInput,
): Promise<Ops> {
  const { config, logger, scope, tls } = parts;
  const files = await loadWebFiles(join(import.meta.dirname, '../web/softphone'), {
    '/rooms.js': join(import.meta.dirname, '../web/sdk/index.ts'),
  });
  const ops = await startOps({
    http: config.http.enabled ? config.http : undefined,
    https: config.https.enabled ? { ...config.https, pair: tls.https() } : undefined,
    sipUpstream: upstream,
    upgrades:
      signaling === undefined
        ? new Map()
        : new Map([['/rtc', (...upgrade: Parameters<Signaling['upgrade']>) => signaling.upgrade(...upgrade)]]),
    token: config.api.token ?? loadApiToken(config.data, random),
    domain: config.sip.domain,
    files,
    views,
    control,
    requestsPerSec: config.api.requestsPerSec,
    reload,
    twilio,
    logger,
  });
  scope.add(() => ops.close());
  scope.add(tls.onChange(() => ops.updateCertificate(tls.https())));
  return ops;
}
