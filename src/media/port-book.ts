/** Which ports are open, and which of them are bridged with each other. */
import type { OpenAgentPort, OpenBuiltInPort, OpenRtpPort, OpenWebRtcPort } from '../calls/index.ts';
import type { PortId } from '../kernel/index.ts';
import { mediaErrors } from './media-errors.ts';
import type { VideoParty } from './video-ports.ts';
import type { WebRtcPort } from './webrtc-port.ts';

/** All but browsers' ports live in the edge alone. */
export type Port =
  | { readonly home: 'edge'; readonly owner: OpenRtpPort | OpenBuiltInPort | OpenAgentPort }
  | { readonly home: 'mediasoup'; readonly owner: OpenWebRtcPort; readonly webRtc: WebRtcPort };

export class PortBook {
  readonly #ports = new Map<PortId, Port>();
  readonly #partners = new Map<PortId, PortId>();

  get size(): number {
    return this.#ports.size;
  }

  ids(): readonly PortId[] {
    return [...this.#ports.keys()];
  }

  all(): Iterable<Port> {
    return this.#ports.values();
  }

  add(port: Port): void {
    this.#ports.set(port.owner.portId, port);
  }

  /** It is still known with whom the port was bridged, until `part`. */
  remove(portId: PortId): void {
    this.#ports.delete(portId);
  }

  has(portId: PortId): boolean {
    return this.#ports.has(portId);
  }

  get(portId: PortId): Port | undefined {
    return this.#ports.get(portId);
  }

  /** Throws MEDIA_PORT_UNKNOWN. */
  of(portId: PortId): Port {
    const port = this.#ports.get(portId);
    if (port === undefined) throw mediaErrors.MEDIA_PORT_UNKNOWN([portId]);
    return port;
  }

  webRtcOf(portId: PortId): WebRtcPort | undefined {
    const port = this.#ports.get(portId);
    return port?.home === 'mediasoup' ? port.webRtc : undefined;
  }

  join(a: PortId, b: PortId): void {
    this.#partners.set(a, b);
    this.#partners.set(b, a);
  }

  part(portId: PortId): void {
    const partner = this.#partners.get(portId);
    this.#partners.delete(portId);
    if (partner !== undefined && this.#partners.get(partner) === portId) this.#partners.delete(partner);
  }

  partnerIdOf(portId: PortId): PortId | undefined {
    return this.#partners.get(portId);
  }

  /** The two that are bridged, when both are open. */
  bridgeOf(portId: PortId): readonly [Port, Port] | undefined {
    const partnerId = this.#partners.get(portId);
    const [port, partner] = [this.#ports.get(portId), partnerId === undefined ? undefined : this.#ports.get(partnerId)];
    return port === undefined || partner === undefined ? undefined : [port, partner];
  }

  /** This port and the one it is bridged with, when they need no edge between them. */
  directPairOf(portId: PortId): readonly [WebRtcPort, WebRtcPort] | undefined {
    const bridge = this.bridgeOf(portId);
    return bridge && directPair(...bridge);
  }
}

export function partyOf(port: Port): VideoParty {
  return { portId: port.owner.portId, webRtc: port.home === 'mediasoup' ? port.webRtc : undefined };
}

/** The two browser Legs when they live on one router and need no edge between them. */
export function directPair(a: Port, b: Port): readonly [WebRtcPort, WebRtcPort] | undefined {
  if (a.home !== 'mediasoup' || b.home !== 'mediasoup' || a.webRtc.shared !== b.webRtc.shared) return undefined;
  return [a.webRtc, b.webRtc];
}
