/** A request as telephony reads it, from drachtio-srf's. */
import { sourceOf } from './request-source.ts';
import type { InboundRequest } from './sip-ports.ts';
import { send } from './srf-send.ts';
import type { SrfRequest, SrfResponse } from './srf-types.ts';

/** Inside a dialog nobody asks for the names in a certificate, and `isOurs` is false. */
export function inboundRequest(request: SrfRequest, response: SrfResponse, isOurs = false): InboundRequest {
  const { method, uri } = request;
  return {
    method,
    uri,
    sipCallId: request.get('Call-ID') ?? '',
    source: sourceOf(
      {
        protocol: request.protocol,
        address: request.source_address,
        port: request.source_port,
        via: request.get('Via') ?? '',
        peerNames: request.get('X-Viaduct-Peer-Names'),
      },
      isOurs,
    ),
    body: request.body ?? '',
    headerNames: Object.keys(request.headers),
    header: (name) => request.get(name),
    reply: (status, headers = {}, body) => send(response, status, headers, body),
  };
}
