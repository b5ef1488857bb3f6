/**
 * A machine with two networks to the gateway, as one with Wi-Fi and a telephone's: a network namespace with two virtual
 * wires to where the test runs. Nothing leaves these wires. Needs root, as the other namespaces of the tests do.
 */
import { spawnSync } from 'node:child_process';

/** RFC 2544 §C.2.2: for tests between machines, and nobody's. */
const GATEWAY = '198.18.0.1';
const NETWORKS = {
  wifi: { here: '198.18.1.1', there: '198.18.1.2', metric: 10 },
  lte: { here: '198.18.2.1', there: '198.18.2.2', metric: 20 },
} as const;

export type Network = keyof typeof NETWORKS;

export class TwoNetworks {
  readonly namespace = `viaduct-${process.pid}`;
  /** Reached over either network. */
  readonly gatewayAddress = GATEWAY;

  private constructor() {}

  static open(): TwoNetworks {
    const networks = new TwoNetworks();
    try {
      networks.#build();
    } catch (error) {
      networks.close();
      throw error;
    }
    return networks;
  }

  /** As when a machine leaves a network: address and routes are gone, what is under way to it is lost. */
  leave(network: Network): void {
    ip('-n', this.namespace, 'addr', 'flush', 'dev', network);
    ip('-n', this.namespace, 'link', 'set', network, 'down');
  }

  join(network: Network): void {
    const { here, there, metric } = NETWORKS[network];
    ip('-n', this.namespace, 'addr', 'add', `${there}/24`, 'dev', network);
    ip('-n', this.namespace, 'link', 'set', network, 'up');
    ip('-n', this.namespace, 'route', 'replace', 'default', 'via', here, 'dev', network, 'metric', String(metric));
  }

  /** The wires go with the namespace. */
  close(): void {
    spawnSync('ip', ['netns', 'del', this.namespace]);
    cutWires();
  }

  #build(): void {
    cutWires();
    ip('netns', 'add', this.namespace);
    ip('-n', this.namespace, 'link', 'set', 'lo', 'up');
    for (const network of ['wifi', 'lte'] as const) {
      const { here } = NETWORKS[network];
      const wire = wireOf(network);
      ip('link', 'add', wire, 'type', 'veth', 'peer', 'name', network, 'netns', this.namespace);
      ip('addr', 'add', `${here}/24`, 'dev', wire);
      ip('link', 'set', wire, 'up');
    }
    this.join('wifi');
    ip('addr', 'add', `${GATEWAY}/32`, 'dev', wireOf('wifi'));
  }
}

/** The end here. The same each time, so that what a killed test has left is found. */
function wireOf(network: string): string {
  return `viaduct-${network}`;
}

/** Takes the other end away, too. */
function cutWires(): void {
  for (const network of Object.keys(NETWORKS)) spawnSync('ip', ['link', 'del', wireOf(network)]);
}

function ip(...words: readonly string[]): void {
  const { status, stderr, error } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${error?.message ?? stderr}`);
}
