/** T11: header names are made canonical or refused before an application sees them, and ours come from nobody else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isResponse, openTcpPeer, openUdpPeer, openWsPeer, type SipPeer, unique } from '../../support/sip-peer.ts';
import { brings, type RawApp, startTestEngine, type TestEngine } from '../../support/test-engine.ts';

let engine: TestEngine;
let app: RawApp;
const peers: SipPeer[] = [];
beforeAll(async () => {
  engine = await startTestEngine();
  app = await engine.rawApp('options');
  peers.push(await openUdpPeer(engine.udp), await openTcpPeer(engine.tcp), await openWsPeer(engine.ws));
});
afterAll(async () => {
  await app?.close();
  for (const peer of peers) await peer.close();
  await engine?.close();
});

/** What an application is given of a request with these header lines: the lines, without those every request has. */
async function delivered(peer: SipPeer, lines: readonly string[]): Promise<string[]> {
  const callId = unique('t11');
  peer.request('OPTIONS', { callId, headers: lines });
  const frame = await app.wait((one) => brings('OPTIONS')(one) && one.message.includes(callId));
  app.send(`sip|${frame.fields[8] ?? ''}|\nSIP/2.0 200 OK\n\n`);
  return frame.message.split('\r\n').filter((line) => /viaduct|x-mine|supported|subject/i.test(line));
}

async function refused(peer: SipPeer, line: string): Promise<number> {
  const callId = unique('t11');
  peer.request('OPTIONS', { callId, headers: [line] });
  const answer = await peer.wait((message) => message.status >= 200 && message.header('Call-ID') === callId);
  expect(app.frames.some((frame) => frame.message.includes(callId))).toBe(false);
  return answer.status;
}

describe('T11: internal headers from the network', () => {
  it.each([
    ['plain', 'X-Viaduct-Trunk: carrier'],
    ['upper case', 'X-VIADUCT-TRUNK: carrier'],
    ['lower case', 'x-viaduct-trunk: carrier'],
    ['a blank before the colon', 'X-Viaduct-Trunk : carrier'],
    ['a tab before the colon', 'X-Viaduct-Trunk\t: carrier'],
    ['a folded line before the colon', 'X-Viaduct-Trunk\r\n : carrier'],
    ['a folded value', 'X-Viaduct-Trunk:\r\n carrier'],
    ['no value', 'X-Viaduct-Trunk:'],
  ])('%s: taken out', async (_what, line) => {
    for (const peer of peers) expect(await delivered(peer, [line, 'X-Mine: stays'])).toEqual(['X-Mine: stays']);
  });

  it.each([
    ['NUL', 'X-Viaduct-Trunk\0: carrier'],
    ['a vertical tab', 'X-Viaduct-Trunk\u000b: carrier'],
    ['a vertical tab inside', 'X-Viaduct\u000b-Trunk: carrier'],
    ['a form feed', 'X-Viaduct-Trunk\f: carrier'],
    ['a no-break space', 'X-Viaduct-Trunk\u00a0: carrier'],
    ['a letter that only looks like it', 'Х-Viaduct-Trunk: carrier'],
    ['a backspace', 'Y\bX-Viaduct-Trunk: carrier'],
    ['a lone line feed', 'X-Mine: a\u000aX-Viaduct-Trunk: carrier'],
    ['no colon', 'X-Viaduct-Trunk carrier'],
  ])('a name with %s: 400', async (what, line) => {
    // Only CRLF goes out as written: the peer would turn a lone line feed into one.
    const written = what === 'a lone line feed' ? 'X-Mine: a\rX-Viaduct-Trunk: carrier' : line;
    for (const peer of peers) expect(await refused(peer, written)).toBe(400);
  });
});

describe('T11: what may come once only', () => {
  it.each([
    'To: <sip:other@127.0.0.1>',
    't: <sip:other@127.0.0.1>',
    'T : <sip:other@127.0.0.1>',
    'From: <sip:other@127.0.0.1>;tag=2',
    'f: <sip:other@127.0.0.1>;tag=2',
    'Call-ID: another',
    'i: another',
    'CSeq: 7 OPTIONS',
    'cseq\t: 7 OPTIONS',
    'Max-Forwards: 3',
  ])('%s, a second time: 400', async (line) => {
    for (const peer of peers) {
      const branch = unique('z9hG4bK');
      peer.request('OPTIONS', { branch, headers: [line] });
      const answer = await peer.wait((message) => message.status >= 200 && message.header('Via').includes(branch));
      expect(answer.status).toBe(400);
    }
  });

  it.each(['Content-Length: 0', 'l: 0', 'CONTENT-LENGTH : 0'])('%s, a second time: 400', async (line) => {
    for (const open of [openUdpPeer, openTcpPeer, openWsPeer]) {
      const transport = open === openUdpPeer ? engine.udp : open === openTcpPeer ? engine.tcp : engine.ws;
      const peer = await open(transport);
      peer.request('OPTIONS', { headers: [line] });
      await peer.wait(isResponse(400));
      await peer.close();
    }
  });
});

describe('T11: compact forms', () => {
  it('reach the application under their long names', async () => {
    for (const peer of peers)
      expect(await delivered(peer, ['k: path', 's : hello', 'x-mine:1'])).toEqual([
        'Supported: path',
        'Subject: hello',
        'x-mine: 1',
      ]);
  });
});
