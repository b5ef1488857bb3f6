import { describe, expect, it } from 'vitest';
import type { ConnectPort, ConnectRtpPort } from '../../src/calls/index.ts';
import { emptyReport } from '../../src/media/empty-report.ts';
import { type PortFacts, withPath } from '../../src/media/port-path.ts';
import { formatOf, owner, pcmu } from './support/test-plane.ts';

const { portId } = owner('phone');
const rtp: ConnectRtpPort = {
  kind: 'rtp',
  portId,
  remote: { address: '192.0.2.1', rtpPort: 4000, rtcpPort: 4001 },
  rtcpMux: false,
  sourcePolicy: 'sdp',
  format: formatOf(pcmu),
  direction: 'sendrecv',
};
const keys = { suite: 'AEAD_AES_256_GCM', key: new Uint8Array(32), salt: new Uint8Array(12) } as const;
const facts: PortFacts = {
  connected: rtp,
  isAway: false,
  awayMs: 0,
  why: 'formats-differ',
  isDirect: false,
  isClosed: false,
};
const told = (change: Partial<PortFacts>) => withPath(emptyReport(portId), { ...facts, ...change });

describe('what a report says of a port', () => {
  it('tells the suite of SRTP, and none as none', () => {
    expect(told({}).encryption).toBe('none');
    expect(told({ connected: { ...rtp, srtp: { send: keys, receive: keys } } }).encryption).toBe('AEAD_AES_256_GCM');
  });

  it('tells the phase, why it is carried, and for how long it was not', () => {
    expect(told({}).path).toEqual({ phase: 'carried', carriedBecause: 'formats-differ', handedOverSec: 0 });
    const away = told({ isAway: true, awayMs: 12_345, why: undefined });
    expect(away.path).toEqual({ phase: 'handed-over', carriedBecause: undefined, handedOverSec: 12.3 });
    expect(told({ isDirect: true }).path?.phase).toBe('direct');
    const over = told({ isClosed: true, awayMs: 2000 });
    expect(over.path).toEqual({ phase: undefined, carriedBecause: undefined, handedOverSec: 2 });
  });

  it('says nothing of a port without a network side, or that nothing was agreed on for', () => {
    const agent: ConnectPort = { kind: 'agent', portId, format: formatOf(pcmu) };
    expect(told({ connected: agent })).toEqual(emptyReport(portId));
    expect(told({ connected: undefined })).toEqual(emptyReport(portId));
  });
});
