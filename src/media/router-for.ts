/** The router of a webrtc port: one of its own, or that of the port it joins (decision D10). */
import type { OpenWebRtcPort } from '../calls/index.ts';
import type { PortRange } from './inner-ports.ts';
import { mediaErrors } from './media-errors.ts';
import { routerFormats, rtpCapabilities } from './router-codecs.ts';
import { SharedRouter } from './shared-router.ts';
import type { WebRtcPort } from './webrtc-port.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface RouterParts {
  readonly pool: WorkerPool;
  readonly innerPorts: PortRange;
}

/** `joined`: the port that the request names. Throws MEDIA_PORT_KIND or MEDIA_NO_CODECS. */
export async function routerFor(
  { portId, codecs, telephoneEvents, joinPortId }: OpenWebRtcPort,
  joined: WebRtcPort | undefined,
  { pool, innerPorts }: RouterParts,
): Promise<SharedRouter> {
  if (joined !== undefined) return joined.shared.retain();
  if (joinPortId !== undefined) throw mediaErrors.MEDIA_PORT_KIND([joinPortId, 'another', 'webrtc']);
  if (codecs.length === 0) throw mediaErrors.MEDIA_NO_CODECS([portId]);
  const formats = routerFormats(codecs, telephoneEvents);
  return new SharedRouter(await pool.createRouter(rtpCapabilities(formats).codecs), formats, innerPorts);
}
