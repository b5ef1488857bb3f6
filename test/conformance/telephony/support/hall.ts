/** One engine and media plane for a test file, a fresh exchange for each test, and nothing left behind after it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { RunningMediaPlane } from '../../../../src/media/index.ts';
import { openTcpPeer, openUdpPeer, openWsPeer, type SipPeer } from '../../../support/sip-peer.ts';
import { startTestEngine, type TestEngine } from '../../../support/test-engine.ts';
import { type Exchange, type ExchangeOptions, startExchange, startRealPlane, trunks } from './exchange.ts';
import { Party } from './party.ts';

export interface Hall {
  readonly engine: TestEngine;
  readonly exchange: Exchange;
  /** A peer known to the exchange as the trunk `carrier`. */
  readonly carrier: Party;
  open(user: string, transport?: keyof typeof openPeer): Promise<Party>;
  /** A registered party. */
  join(user: string, transport?: keyof typeof openPeer): Promise<Party>;
  /** Starts the exchange anew, with other options. */
  restart(options: ExchangeOptions): Promise<void>;
}

const openPeer = { udp: openUdpPeer, tcp: openTcpPeer, ws: openWsPeer };

export function useHall(media: { readonly musicOnHold?: string } = {}): Hall {
  let plane: RunningMediaPlane;
  let engine: TestEngine;
  let exchange: Exchange;
  let carrier: Party;
  let peers: SipPeer[] = [];

  const open = async (user: string, transport: keyof typeof openPeer = 'udp'): Promise<Party> => {
    const peer = await openPeer[transport](engine[transport]);
    peers.push(peer);
    return new Party(peer, user);
  };

  beforeAll(async () => {
    [plane, engine] = await Promise.all([startRealPlane(media.musicOnHold), startTestEngine()]);
  });
  afterAll(async () => {
    await engine.close();
    await plane.stop();
  });
  beforeEach(async () => {
    peers = [];
    carrier = await open('carrier');
    const { address } = carrier.peer;
    exchange = await startExchange(engine, plane, {
      trunks: [{ name: 'carrier', addresses: [address], target: address, transport: 'udp', profile: trunks }],
    });
  });
  afterEach(async () => {
    await exchange.close();
    await exchange.expectPortsClosed();
    expect(exchange.media.listenerCount).toBe(0);
    for (const peer of peers) await peer.close();
  });
  return {
    get engine() {
      return engine;
    },
    get exchange() {
      return exchange;
    },
    get carrier() {
      return carrier;
    },
    open,
    join: async (user, transport) => {
      const party = await open(user, transport);
      expect((await party.register()).status).toBe(200);
      return party;
    },
    restart: async (options) => {
      await exchange.close();
      exchange = await startExchange(engine, plane, options);
    },
  };
}
