import { describe, expect, it } from 'vitest';
import type { ConnectRtpPort, ConnectWebRtcPort } from '../../src/calls/index.ts';
import type { ProvenFlow } from '../../src/media/edge/index.ts';
import { type BridgeFacts, changeOf, whyCarried } from '../../src/media/hand-over-rule.ts';
import { formatOf, opus, owner, pcmu } from './support/test-plane.ts';

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
const webRtc: ConnectWebRtcPort = {
  kind: 'webrtc',
  portId: owner('browser').portId,
  ice: { usernameFragment: '', password: '' },
  dtls: { role: 'client', fingerprints: [] },
  mid: '0',
  ssrc: 1,
  cname: 'x',
  format: formatOf(pcmu),
  direction: 'sendrecv',
};
const flow: ProvenFlow = { portId, ssrc: 1, source: { address: '192.0.2.1', port: 4000 }, rtcp: undefined };
const keys = { suite: 'AES_CM_128_HMAC_SHA1_80', key: new Uint8Array(16), salt: new Uint8Array(14) } as const;
const nobody: ReadonlySet<string> = new Set();

function facts(change: {
  rtp?: Partial<ConnectRtpPort> & Record<string, unknown>;
  webRtc?: Partial<ConnectWebRtcPort>;
  watchers?: ReadonlySet<string>;
  flow?: ProvenFlow | undefined;
}): BridgeFacts {
  return {
    sip: { connected: { ...rtp, ...change.rtp }, watchers: change.watchers ?? nobody },
    far: { connected: { ...webRtc, ...change.webRtc }, watchers: nobody },
    flow: 'flow' in change ? change.flow : flow,
  };
}

describe('a port is carried by the edge', () => {
  it('not when its packets pass through unchanged', () => {
    expect(whyCarried(facts({}))).toBeUndefined();
    const both = { format: formatOf(opus, 110, 48_000) };
    expect(whyCarried(facts({ rtp: both, webRtc: both }))).toBeUndefined();
  });

  it('nor when a browser knows events of one more rate, which it does not send', () => {
    const events = [
      { payloadType: 101, clockRate: 8000 },
      { payloadType: 110, clockRate: 48_000 },
    ];
    expect(whyCarried(facts({ webRtc: { format: { ...formatOf(pcmu), telephoneEvents: events } } }))).toBeUndefined();
    const sip = { format: formatOf(opus, 101, 8000) };
    const web = { format: { ...formatOf(opus), telephoneEvents: events } };
    expect(whyCarried(facts({ rtp: sip, webRtc: web }))).toBe('formats-differ');
    expect(whyCarried(facts({ rtp: { format: formatOf(opus, 110) }, webRtc: web }))).toBe('formats-differ');
    expect(whyCarried(facts({ rtp: web, webRtc: sip }))).toBe('formats-differ');
  });

  it.each([
    ['unproven', facts({ flow: undefined })],
    ['on-hold', facts({ rtp: { direction: 'recvonly' } })],
    ['on-hold', facts({ webRtc: { direction: 'inactive' } })],
    ['watched', facts({ watchers: new Set(['tap']) })],
    ['encrypted', facts({ rtp: { srtp: { send: keys, receive: keys } } })],
    ['formats-differ', facts({ rtp: { format: formatOf(opus) } })],
    ['formats-differ', facts({ rtp: { format: formatOf({ ...pcmu, payloadType: 96 }) } })],
    ['formats-differ', facts({ rtp: { format: formatOf(pcmu, 126) } })],
    ['formats-differ', facts({ rtp: { format: formatOf(pcmu, 101, 48_000) } })],
    ['formats-differ', facts({ rtp: { format: { ...formatOf(pcmu), telephoneEvents: [] } } })],
    ['formats-differ', facts({ rtp: { format: { ...formatOf(pcmu), ptimeMs: 30 } } })],
    ['not-bridged', { ...facts({}), far: undefined }],
    ['not-connected', { ...facts({}), far: { connected: undefined, watchers: nobody } }],
    ['no-phone', { ...facts({}), sip: { connected: webRtc, watchers: nobody } }],
    ['no-browser', { ...facts({}), far: { connected: rtp, watchers: nobody } }],
  ] as const)('%s', (reason, given) => {
    expect(whyCarried(given)).toBe(reason);
  });
});

describe('what a new negotiation changes', () => {
  it('is nothing when it says the same, as a session refresh does', () => {
    expect(changeOf(rtp, structuredClone(rtp))).toBe('nothing');
    expect(changeOf(webRtc, structuredClone(webRtc))).toBe('nothing');
  });

  it('is the direction alone for a hold', () => {
    expect(changeOf(rtp, { ...rtp, direction: 'recvonly' })).toBe('direction');
  });

  it('is all for another address, format or party', () => {
    expect(changeOf(undefined, rtp)).toBe('all');
    expect(changeOf(rtp, { ...rtp, remote: { ...rtp.remote, rtpPort: 5000 } })).toBe('all');
    expect(changeOf(rtp, { ...rtp, format: formatOf(opus), direction: 'inactive' })).toBe('all');
  });
});
