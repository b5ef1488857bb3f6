/**
 * Two ports of different threads that are to hear each other, as after a transfer that joins parties of two Calls:
 * each thread gets an inner endpoint for the other's port, and the two talk over loopback.
 */
import type { PortId } from '../../kernel/index.ts';
import type { SpliceStart } from '../../rtp/index.ts';
import type { AudioFormat } from '../../sdp/index.ts';
import type { ThreadLink } from './thread-link.ts';

export interface BridgedPort {
  readonly portId: PortId;
  readonly link: ThreadLink;
}

export interface ThreadBridgeParts {
  readonly ends: readonly [BridgedPort, BridgedPort];
  readonly newStart: () => SpliceStart;
  readonly cname: string;
}

interface Far {
  readonly portId: PortId;
  readonly link: ThreadLink;
  /** Of its socket, on loopback. */
  readonly port: number;
}

export class ThreadBridge {
  readonly ports: readonly [PortId, PortId];
  readonly #far: readonly [Far, Far];

  private constructor(ports: readonly [PortId, PortId], far: readonly [Far, Far]) {
    this.ports = ports;
    this.#far = far;
  }

  static async open({ ends: [a, b], newStart, cname }: ThreadBridgeParts): Promise<ThreadBridge> {
    const openFar = async ({ portId, link }: BridgedPort): Promise<Far> => {
      const farId = `${portId}~far` as PortId;
      // Alone on its socket: two endpoints of two shared sockets could not tell their packets apart.
      const port = await link.request({ op: 'open-inner', portId: farId, start: newStart(), cname, isAlone: true });
      await link.request({ op: 'bridge', a: portId, b: farId });
      return { portId: farId, link, port };
    };
    return new ThreadBridge([a.portId, b.portId], await Promise.all([openFar(a), openFar(b)]));
  }

  /** What both ports exchange, under payload types that only the two threads see. */
  async connect(format: AudioFormat): Promise<void> {
    const [a, b] = this.#far;
    await Promise.all([
      a.link.request({ op: 'connect-inner', portId: a.portId, remotePort: b.port, format }),
      b.link.request({ op: 'connect-inner', portId: b.portId, remotePort: a.port, format }),
    ]);
  }

  /** A thread that has died took its endpoint with it. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#far.map(({ link, portId }) => link.request({ op: 'close', portId })));
  }
}
