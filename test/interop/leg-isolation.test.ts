/** Decision D3 with a real browser: what one side renegotiates never reaches the other side's transport or signaling. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeG711, ToneGenerator } from '../../src/audio/index.ts';
import { Chromium, recordAudio } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { RtpPeer } from '../support/rtp-peer.ts';
import { isRequest, openUdpPeer, type PeerMessage, type SipPeer, unique } from '../support/sip-peer.ts';
import { strongestHz } from '../support/sound.ts';
import { type StockPages, type StockPhone, serveStockPages } from '../support/stock-pages.ts';
import { until } from '../support/until.ts';
import { type Watched, watchConnections, watched } from '../support/watch-connections.ts';

const BASE = 29_700;
const MUSIC_HZ = 440;
const ROUNDS = 20;

let gateway: Gateway;
let chromium: Chromium;
let pages: StockPages;
let browser: StockPhone;
let pbx: SipPeer;
let rtp: RtpPeer;

beforeAll(async () => {
  pbx = await openUdpPeer({ port: BASE + 2 });
  rtp = await RtpPeer.open();
  [gateway, chromium] = await Promise.all([
    Gateway.start({ base: BASE, trunks: [{ name: 'pbx', address: pbx.address }] }),
    Chromium.launch(),
  ]);
  pages = await serveStockPages(chromium);
  browser = await pages.open('stock-sipjs', watchConnections);
  await browser.register({ server: `ws://127.0.0.1:${gateway.httpPort}/sip`, ...gateway.credentials('bob') });
  await browser.told('registered');
});

afterAll(async () => {
  await chromium?.close();
  pages?.close();
  await gateway?.stop();
  await rtp?.close();
  await pbx?.close();
});

function music(): Buffer[] {
  const tone = new ToneGenerator(MUSIC_HZ, 8_000, -12);
  // A whole number of periods, so that it repeats without a seam.
  return Array.from({ length: 50 }, () => Buffer.from(encodeG711('PCMU', tone.next(160))));
}

let version = 1;
function sdp(lines: readonly string[], address = '127.0.0.1'): string {
  version += 1;
  return [
    'v=0',
    `o=- 1 ${version} IN IP4 127.0.0.1`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${rtp.port} RTP/AVP 0 101`,
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:101 telephone-event/8000',
    ...lines,
    '',
  ].join('\r\n');
}

/** The PBX's dialog with the gateway. */
class PbxDialog {
  readonly #callId = unique('pbx');
  readonly #from = `<sip:100@pbx.test>;tag=${unique('t')}`;
  #to: string;
  #target: string;
  #cseq = 0;

  constructor(user = 'bob') {
    this.#target = `sip:${user}@${gateway.domain}`;
    this.#to = `<${this.#target}>`;
  }

  async request(method: string, body: string): Promise<PeerMessage> {
    this.#cseq += 1;
    const cseq = this.#cseq;
    pbx.request(method, { uri: this.#target, from: this.#from, to: this.#to, callId: this.#callId, cseq, body });
    const answer = await pbx.wait(
      (message) =>
        message.status >= 200 &&
        message.header('CSeq') === `${cseq} ${method}` &&
        message.header('Call-ID') === this.#callId,
      10_000,
    );
    if (cseq === 1) {
      this.#to = answer.header('To');
      this.#target = /<([^>]+)>/.exec(answer.header('Contact'))?.[1] ?? '';
    }
    return answer;
  }

  ack(body = ''): void {
    const dialog = { uri: this.#target, from: this.#from, to: this.#to, callId: this.#callId };
    pbx.request('ACK', { ...dialog, cseq: this.#cseq, contact: false, body });
  }

  /** An offer by re-INVITE or UPDATE; the direction of the answer. */
  async offer(method: 'INVITE' | 'UPDATE', body: string): Promise<string> {
    const answer = await this.request(method, body);
    if (method === 'INVITE') this.ack();
    expect(answer.status).toBe(200);
    return /^a=(sendrecv|sendonly|recvonly|inactive)\r$/m.exec(answer.body)?.[1] ?? '';
  }
}

const hears = async (): Promise<void> => {
  const before = rtp.heard.length;
  await until(() => rtp.heard.length > before + 5, { within: 3_000, what: 'RTP from the browser' });
};

const silent = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = rtp.heard.length;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(rtp.heard.length - before).toBe(0);
};

const heardHz = async (): Promise<number> => strongestHz(await recordAudio(browser.page, '#remote-audio', 1));

describe('a PBX and a browser in one call', () => {
  let dialog: PbxDialog;
  let settled: Watched;

  test('they talk', { timeout: 30_000 }, async () => {
    dialog = new PbxDialog();
    const answer = await dialog.request('INVITE', sdp(['a=sendrecv']));
    expect(answer.status).toBe(200);
    dialog.ack();
    rtp.play(music(), {
      payloadType: 0,
      ssrc: 0x77,
      step: 160,
      port: Number(/^m=audio (\d+)/m.exec(answer.body)?.[1]),
    });
    await hears();
    await until(async () => (await watched(browser.page)).states.includes('connected'), {
      within: 8_000,
      what: 'DTLS',
    });
    expect(Math.abs((await heardHz()) - MUSIC_HZ)).toBeLessThanOrEqual(5);
    settled = await watched(browser.page);
  });

  test('100 re-INVITEs and UPDATEs of the PBX: the browser notices none of them', { timeout: 60_000 }, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      expect(await dialog.offer('INVITE', sdp(['a=sendonly']))).toBe('recvonly');
      expect(await dialog.offer('UPDATE', sdp(['a=inactive']))).toBe('inactive');
      expect(await dialog.offer('INVITE', sdp([], '0.0.0.0'))).toBe('recvonly');
      expect(await dialog.offer('UPDATE', sdp(['a=recvonly']))).toBe('sendonly');
      if (round % 2 === 0) expect(await dialog.offer('INVITE', sdp(['a=sendrecv']))).toBe('sendrecv');
      else {
        expect((await dialog.request('INVITE', '')).body).toContain('a=sendrecv');
        dialog.ack(sdp(['a=sendrecv']));
      }
    }
    await hears();
    expect(await watched(browser.page)).toEqual(settled);
  });

  test('hold music is heard in the browser, and nothing of the browser at the PBX', { timeout: 30_000 }, async () => {
    expect(await dialog.offer('INVITE', sdp(['a=sendonly']))).toBe('recvonly');
    await silent();
    expect(Math.abs((await heardHz()) - MUSIC_HZ)).toBeLessThanOrEqual(5);
    expect(await dialog.offer('INVITE', sdp(['a=sendrecv']))).toBe('sendrecv');
    await hears();
    expect(await watched(browser.page)).toEqual(settled);
  });

  test('the browser holds, resumes and restarts ICE: the PBX is asked nothing', { timeout: 40_000 }, async () => {
    const run = (what: 'hold' | 'unhold' | 'restartIce'): Promise<void> =>
      browser.page.evaluate(
        (name) => (globalThis as unknown as { stock: Record<string, () => Promise<void>> }).stock[name]?.(),
        what,
      );
    await run('hold');
    await until(async () => (await watched(browser.page)).descriptions >= settled.descriptions + 2, {
      within: 5_000,
      what: 'the answer to the hold',
    });
    await run('unhold');
    await until(async () => (await watched(browser.page)).descriptions >= settled.descriptions + 4, {
      within: 5_000,
      what: 'the answer to the resume',
    });
    await hears();
    await run('restartIce');
    await until(async () => (await watched(browser.page)).descriptions >= settled.descriptions + 6, {
      within: 5_000,
      what: 'the answer to the ICE restart',
    });
    await hears();
    expect(Math.abs((await heardHz()) - MUSIC_HZ)).toBeLessThanOrEqual(5);
    const after = await watched(browser.page);
    // Hold and resume keep the gateway's ICE credentials, the restart has new ones.
    expect(new Set(after.ufrags.slice(0, -1)).size).toBe(1);
    expect(after.ufrags.at(-1)).not.toBe(after.ufrags[0]);
    expect(after.states.at(-1)).toBe('connected');
    expect(pbx.count(isRequest('INVITE')) + pbx.count(isRequest('UPDATE'))).toBe(0);
    expect((await dialog.request('BYE', '')).status).toBe(200);
    const record = await until(async () => (await gateway.calls()).find(({ endReason }) => endReason !== undefined), {
      within: 3_000,
      what: 'the record',
    });
    expect(record).toMatchObject({ trunk: 'pbx', endReason: 'hangup-caller' });
  });
});

test('our softphone asks to be told, and shows what the PBX does, while nothing is negotiated', async () => {
  const alice = await chromium.softphone(gateway.origin);
  await alice.register(gateway.credentials('alice'));
  await alice.answerAll();
  const dialog = new PbxDialog('alice');
  expect((await dialog.request('INVITE', sdp(['a=sendrecv']))).status).toBe(200);
  dialog.ack();
  await alice.callIs('active');
  const look = await alice.watchIce();
  const before = await look();
  const shows = async (words: RegExp): Promise<void> => {
    await alice.page.getByText(words).first().waitFor({ timeout: 5_000 });
  };
  expect(await dialog.offer('INVITE', sdp(['a=sendonly']))).toBe('recvonly');
  await shows(/On hold by the other side/);
  expect((await alice.state()).call).toMatchObject({ isHeldByOther: true });
  expect(await dialog.offer('UPDATE', sdp(['a=sendrecv']))).toBe('sendrecv');
  await until(
    async () =>
      (await alice.state()).call.kind === 'active' &&
      !(await alice.page
        .getByText(/On hold/)
        .first()
        .isVisible()),
    {
      within: 5_000,
      what: 'the hold to be gone from the screen',
    },
  );
  expect(await look()).toEqual(before);
  expect((await dialog.request('BYE', '')).status).toBe(200);
  await alice.close();
  expect(alice.errors).toEqual([]);
}, 30_000);
