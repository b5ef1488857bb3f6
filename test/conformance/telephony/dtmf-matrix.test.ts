/**
 * Keys in all twelve combinations: telephone-event on either clock, INFO and tones in the audio, each turned into each
 * other, while a tenth of the sender's packets is lost, neighbors change places, and markers and updates are missing.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { DtmfDetector, decodeG711, encodeG711, renderDtmf } from '../../../src/audio/index.ts';
import type { ProfilePolicy, Trunk } from '../../../src/telephony/index.ts';
import { digitsIn, type HeardPacket, RtpPeer } from '../../support/rtp-peer.ts';
import { until } from '../../support/until.ts';
import { trunks } from './support/exchange.ts';
import { useHall } from './support/hall.ts';
import { type Party, type PartyDialog, rtpPortIn, rtpSdp } from './support/party.ts';

const hall = useHall();

/** Pressed twice, all groups of the keypad, and the two that are not numbers. */
const KEYS = '1159#*D';
const EVENT_TYPE = 101;
const WAYS = ['events 8k', 'events 48k', 'info', 'tones'] as const;
type Way = (typeof WAYS)[number];

const POLICY: Readonly<Record<Way, ProfilePolicy['dtmf']>> = {
  'events 8k': 'auto',
  'events 48k': 'auto',
  info: 'info',
  tones: 'inband',
};

const EVENTS: Readonly<Record<Way, readonly string[]>> = {
  'events 8k': [`${EVENT_TYPE} telephone-event/8000`],
  'events 48k': [`${EVENT_TYPE} telephone-event/48000`],
  // They would do, too, but the profile wants it otherwise.
  info: [`${EVENT_TYPE} telephone-event/8000`],
  tones: [],
};

interface Talker {
  readonly way: Way;
  readonly party: Party;
  readonly dialog: PartyDialog;
  readonly rtp: RtpPeer;
  /** Where the gateway hears it. */
  readonly to: number;
  readonly infos: string[];
}

const open: RtpPeer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (rtp) => rtp.close()));
});

const sdpOf = (rtp: RtpPeer, way: Way): string => rtpSdp(rtp.port, ['0 PCMU/8000', ...EVENTS[way]]);

/** Two trunks, because a profile belongs to one of them. */
async function talk(from: Way, to: Way): Promise<[Talker, Talker]> {
  const [near, far] = [await hall.open('near'), await hall.open('far')];
  const trunk = (party: Party, way: Way): Trunk => ({
    name: party.user,
    addresses: [party.peer.address],
    target: party.peer.address,
    transport: 'udp',
    profile: { ...trunks, dtmf: POLICY[way] },
  });
  const rule = {
    name: 'on',
    why: 'to the other',
    when: { source: 'trunk', to: '#*' },
    route: { trunk: 'far', number: '1' },
  };
  await hall.restart({ trunks: [trunk(near, from), trunk(far, to)], rules: [rule] });
  const [a, b] = [await RtpPeer.open(), await RtpPeer.open()];
  open.push(a, b);
  const calling = near.call('555', sdpOf(a, from));
  const invite = await far.nextInvite();
  const answered = await far.accept(invite, sdpOf(b, to));
  const dialog = await calling;
  await until(() => hall.exchange.eventsOf('call-answered').length === 1, { within: 2_000, what: 'the answer' });
  // A Leg of which keys are wanted otherwise is not offered events.
  expect(invite.body.includes('telephone-event')).toBe(to.startsWith('events'));
  const talkers: [Talker, Talker] = [
    { way: from, party: near, dialog, rtp: a, to: rtpPortIn(dialog.sdp), infos: [] },
    { way: to, party: far, dialog: answered, rtp: b, to: rtpPortIn(invite.body), infos: [] },
  ];
  return talkers;
}

const VOICE = Buffer.from(
  encodeG711(
    'PCMU',
    Int16Array.from({ length: 160 }, (_, i) => 900 * Math.sin(i * 0.31)),
  ),
);

/** RTP packets as a bad network delivers them: every tenth is lost, every seventh comes after the one that follows it. */
class BadNetwork {
  readonly #rtp: RtpPeer;
  readonly #port: number;
  #count = 0;
  #sequence = 5000;
  #timestamp = 32_000;
  #late: Buffer | undefined;

  constructor(rtp: RtpPeer, port: number) {
    this.#rtp = rtp;
    this.#port = port;
  }

  get timestamp(): number {
    return this.#timestamp;
  }

  /** One packet of 20 ms; `at` is its timestamp when it is not the next one. */
  async send(payloadType: number, payload: Buffer, at?: number): Promise<void> {
    const packet = Buffer.concat([Buffer.alloc(12), payload]);
    packet[0] = 0x80;
    packet[1] = payloadType;
    packet.writeUInt16BE(this.#sequence++ & 0xffff, 2);
    packet.writeUInt32BE(at ?? this.#timestamp, 4);
    packet.writeUInt32BE(0xabcd, 8);
    this.#timestamp += 160;
    this.#deliver(packet);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }

  #deliver(packet: Buffer): void {
    this.#count++;
    if (this.#count % 10 === 9) return;
    if (this.#count % 7 === 0) {
      this.#late = packet;
      return;
    }
    this.#rtp.sendRaw(packet, this.#port);
    if (this.#late !== undefined) this.#rtp.sendRaw(this.#late, this.#port);
    this.#late = undefined;
  }
}

/** No markers; every other key has no packet but its last ones. */
async function pressEvents(network: BadNetwork, clockRate: number): Promise<void> {
  for (const [index, key] of KEYS.split('').entries()) {
    const begin = network.timestamp;
    const updates = index % 2 === 0 ? 5 : 0;
    for (let i = 1; i <= updates + 3; i++) {
      const isEnd = i > updates;
      const payload = Buffer.from(['0123456789*#ABCD'.indexOf(key), (isEnd ? 0x80 : 0) | 10, 0, 0]);
      payload.writeUInt16BE((Math.min(i, 5) * clockRate) / 50, 2);
      await network.send(EVENT_TYPE, payload, begin);
    }
    for (let i = 0; i < 5; i++) await network.send(0, VOICE);
  }
}

async function pressTones(network: BadNetwork): Promise<void> {
  for (const key of KEYS) {
    const payloads = encodeG711('PCMU', renderDtmf(key, 8000, { durationMs: 120, pauseMs: 120 }));
    for (let at = 0; at < payloads.length; at += 160)
      await network.send(0, Buffer.from(payloads.subarray(at, at + 160)));
  }
  for (let i = 0; i < 10; i++) await network.send(0, VOICE);
}

async function press(talker: Talker): Promise<void> {
  const network = new BadNetwork(talker.rtp, talker.to);
  for (let i = 0; i < 5; i++) await network.send(0, VOICE);
  if (talker.way === 'tones') return pressTones(network);
  if (talker.way !== 'info') return pressEvents(network, talker.way === 'events 8k' ? 8000 : 48_000);
  for (const [index, key] of KEYS.split('').entries()) {
    const [contentType, body] =
      index % 2 === 0 ? ['application/dtmf-relay', `Signal=${key}\r\nDuration=120\r\n`] : ['application/dtmf', key];
    expect((await talker.dialog.request('INFO', { contentType, body })).status).toBe(200);
  }
}

/** Answers INFOs until the test is over. */
async function takeInfos(talker: Talker): Promise<void> {
  for (;;) {
    const info = await talker.dialog.take('INFO');
    talker.infos.push(/^Signal=(.)/m.exec(info.body)?.[1] ?? '?');
  }
}

function tonesIn(heard: readonly HeardPacket[]): string {
  const detector = new DtmfDetector(8000);
  const audio = heard.filter(({ payloadType }) => payloadType === 0).toSorted((a, b) => a.timestamp - b.timestamp);
  const keys = audio.map(({ payload }) => detector.take(decodeG711('PCMU', payload))?.key ?? '');
  return keys.join('') + (detector.end()?.key ?? '');
}

function keysHeardBy({ way, rtp, infos }: Talker): string {
  if (way === 'info') return infos.join('');
  if (way === 'tones') return tonesIn(rtp.heard);
  return digitsIn(rtp.heard, EVENT_TYPE)
    .map(({ digit }) => digit)
    .join('');
}

const pairs = WAYS.flatMap((from) => WAYS.filter((to) => to !== from).map((to) => [from, to] as const));

describe('keys, lost and reordered packets and missing markers notwithstanding', () => {
  it.each(pairs)('from %s to %s: each once, in order, and in no other form', { timeout: 30_000 }, async (from, to) => {
    const [presser, hearer] = await talk(from, to);
    takeInfos(hearer).catch(() => {});
    await press(presser);
    await until(() => keysHeardBy(hearer).length >= KEYS.length, { within: 5_000, what: 'all keys' }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(keysHeardBy(hearer)).toBe(KEYS);
    expect(to === 'tones' ? '' : tonesIn(hearer.rtp.heard)).toBe('');
    expect(to === 'info' ? '' : hearer.infos.join('')).toBe('');
    if (!to.startsWith('events')) expect(hearer.rtp.heard.every(({ payloadType }) => payloadType === 0)).toBe(true);
    if (to === 'events 48k' || to === 'events 8k') {
      const clockRate = to === 'events 8k' ? 8000 : 48_000;
      for (const { duration } of digitsIn(hearer.rtp.heard, EVENT_TYPE)) {
        const ms = (duration * 1000) / clockRate;
        expect(ms).toBeGreaterThanOrEqual(40);
        expect(ms).toBeLessThanOrEqual(170);
      }
    }
    expect(hall.exchange.eventsOf('digit')).toHaveLength(KEYS.length);
    await Promise.all([presser.dialog.bye(), hearer.dialog.awaitBye()]);
  });
});
