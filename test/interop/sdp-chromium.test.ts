/** Chromium is the judge of our SDP: it must take our offers and answers, and what it says back must be readable. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  formatAnswer,
  formatOffer,
  parseRemoteDescription,
  planBuiltIn,
  planCodecs,
  planOffer,
  type RemoteAudio,
} from '../../src/sdp/index.ts';
import { golden, local, WEBRTC } from '../sdp/fixtures.ts';
import { Chromium } from '../support/chromium.ts';

const ALL = ['opus', 'G722', 'PCMU', 'PCMA'] as const;
let browser: Chromium;
let server: Server;
let page: Page;

beforeAll(async () => {
  browser = await Chromium.launch();
  // Microphones need a secure origin, and about:blank is none.
  server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  page = await (await browser.context()).newPage();
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
});

afterAll(async () => {
  await browser.close();
  server.close();
});

/** What runs in the page, as far as this test uses it. */
interface PeerConnection {
  readonly signalingState: string;
  readonly localDescription: { readonly sdp: string };
  addTrack(track: unknown, stream: unknown): void;
  addTransceiver(kind: string): unknown;
  createDataChannel(label: string): unknown;
  setLocalDescription(): Promise<void>;
  setRemoteDescription(description: { type: string; sdp: string }): Promise<void>;
  getTransceivers(): {
    readonly currentDirection: string | null;
    readonly sender: {
      getParameters(): { readonly codecs: readonly { readonly mimeType: string; readonly clockRate: number }[] };
    };
  }[];
  close(): void;
}
interface InPage {
  readonly RTCPeerConnection: new () => PeerConnection;
  readonly navigator: { mediaDevices: { getUserMedia(wanted: object): Promise<{ getTracks(): unknown[] }> } };
  peer: PeerConnection;
}
interface Verdict {
  readonly sdp: string;
  readonly signalingState: string;
  readonly directions: (string | null)[];
  /** What Chromium will send, as `audio/opus 48000`. */
  readonly sends: string[];
}

async function offerOf(kinds: readonly ('audio' | 'video' | 'data')[]): Promise<string> {
  return page.evaluate(async (wanted) => {
    const inPage = globalThis as unknown as InPage;
    const peer = new inPage.RTCPeerConnection();
    inPage.peer = peer;
    for (const kind of wanted) {
      if (kind === 'video') peer.addTransceiver('video');
      else if (kind === 'data') peer.createDataChannel('data');
      else {
        const stream = await inPage.navigator.mediaDevices.getUserMedia({ audio: true });
        for (const track of stream.getTracks()) peer.addTrack(track, stream);
      }
    }
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
  }, kinds);
}

/** Gives the page our answer to the offer it made last. */
async function giveAnswer(sdp: string): Promise<Verdict> {
  return page.evaluate(async (answer) => {
    const { peer } = globalThis as unknown as InPage;
    await peer.setRemoteDescription({ type: 'answer', sdp: answer });
    const transceivers = peer.getTransceivers();
    const verdict = {
      sdp: '',
      signalingState: peer.signalingState,
      directions: transceivers.map((each) => each.currentDirection),
      sends: transceivers.flatMap((each) =>
        each.sender.getParameters().codecs.map((codec) => `${codec.mimeType} ${codec.clockRate}`),
      ),
    };
    peer.close();
    return verdict;
  }, sdp);
}

/** Gives a fresh peer connection our offer; `sdp` is what it answers. */
async function giveOffer(sdp: string): Promise<Verdict> {
  return page.evaluate(async (offer) => {
    const inPage = globalThis as unknown as InPage;
    const peer = new inPage.RTCPeerConnection();
    await peer.setRemoteDescription({ type: 'offer', sdp: offer });
    const stream = await inPage.navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) peer.addTrack(track, stream);
    await peer.setLocalDescription();
    const transceivers = peer.getTransceivers();
    const verdict = {
      sdp: peer.localDescription.sdp,
      signalingState: peer.signalingState,
      directions: transceivers.map((each) => each.currentDirection),
      sends: transceivers.flatMap((each) =>
        each.sender.getParameters().codecs.map((codec) => `${codec.mimeType} ${codec.clockRate}`),
      ),
    };
    peer.close();
    return verdict;
  }, sdp);
}

/** Our answer to Chromium's offer for a call to a peer that has `codec` only. */
function answerWith(offer: string, codec: (typeof ALL)[number]): string {
  const remote = parseRemoteDescription(offer);
  const plan = planBuiltIn({ remote: remote.audio, codecs: [codec] });
  if (plan === undefined) throw new Error(`Chromium did not offer ${codec}`);
  const { codec: chosen, ...format } = plan.format;
  return formatAnswer(remote, local(WEBRTC, { codecs: [chosen], ...format }));
}

describe('Chromium takes our answer', () => {
  it.each([
    ['opus', 48_000],
    ['G722', 8_000],
    ['PCMU', 8_000],
    ['PCMA', 8_000],
  ] as const)('with %s alone, and digits at its clock rate', async (codec, clockRate) => {
    const text = answerWith(await offerOf(['audio']), codec);
    expect(await giveAnswer(text)).toMatchObject({
      signalingState: 'stable',
      directions: ['sendrecv'],
      sends: [`audio/${codec} ${clockRate}`, `audio/telephone-event ${clockRate}`],
    });
  });

  it.each([[['audio', 'video', 'data'] as const], [['video', 'audio'] as const]])(
    'that refuses the rest of %j',
    async (kinds) => {
      const text = answerWith(await offerOf(kinds), 'opus');
      // The refused transceivers are stopped and gone.
      expect(await giveAnswer(text)).toMatchObject({ signalingState: 'stable', directions: ['sendrecv'] });
    },
  );

  it('that puts it on hold', async () => {
    const remote = parseRemoteDescription(await offerOf(['audio']));
    const text = formatAnswer(remote, local(WEBRTC, { direction: 'sendonly' }));
    expect((await giveAnswer(text)).directions).toEqual(['recvonly']);
  });
});

function offerTo(audio: RemoteAudio | undefined): ReturnType<typeof planOffer> {
  const terms = { codecs: ALL };
  return planOffer({ heard: { kind: 'rtp', terms, audio }, asked: { kind: 'webrtc', terms }, transcodable: [] });
}

describe('Chromium takes our offer', () => {
  it.each(['baresip-1.0-plain', 'sipp-3.6-uac', 'firefox-128-audio'])(
    'made from the offer of %s, and its answer is one we can plan with',
    async (name) => {
      const inbound = parseRemoteDescription(golden(name)).audio;
      const plan = offerTo(inbound);
      if (plan === undefined) throw new Error('there was nothing to offer');
      const verdict = await giveOffer(formatOffer(local(WEBRTC, plan)));
      expect(verdict).toMatchObject({ signalingState: 'stable', directions: ['sendrecv'] });

      const answer = parseRemoteDescription(verdict.sdp);
      expect(answer).toMatchObject({ kind: 'webrtc', bundle: ['0'], audio: { mid: '0', dtls: { role: 'client' } } });
      // Payload types as offered: nothing need be rewritten between the Legs.
      expect(answer.audio.codecs.map((codec) => codec.payloadType)).toEqual(
        plan.codecs.map((codec) => codec.payloadType),
      );
      const planned = planCodecs({
        first: { kind: 'rtp', audio: inbound, spoke: 'offered', terms: { codecs: ALL } },
        second: { kind: 'webrtc', audio: answer.audio, spoke: 'answered', terms: { codecs: ALL } },
        transcodable: [],
      });
      expect(planned).toMatchObject({ first: { format: { codec: { name: plan.codecs[0]?.name } } } });
    },
  );

  it('of everything, for a caller that made none', async () => {
    const plan = offerTo(undefined);
    if (plan === undefined) throw new Error('there was nothing to offer');
    const verdict = await giveOffer(formatOffer(local(WEBRTC, plan)));
    expect(verdict.sends).toEqual(
      expect.arrayContaining(['audio/telephone-event 8000', 'audio/telephone-event 48000']),
    );
    const { audio } = parseRemoteDescription(verdict.sdp);
    expect(audio.codecs.map((codec) => codec.name)).toEqual(['PCMU', 'PCMA', 'G722', 'opus']);
    expect(audio.headerExtensions).toHaveLength(2);
    expect(audio.headerExtensions).toEqual(expect.arrayContaining([...WEBRTC.headerExtensions]));
  });
});
