/** Behaviours 38–40 of drachtio-protocol §12: reliable provisional responses, PRACK and UPDATE before the final answer. */
import { describe, expect, test } from 'vitest';
import { useEngine } from '../../support/engine-suite.ts';
import {
  isRequest,
  isResponse,
  offerSdp,
  openUdpPeer,
  type PeerMessage,
  type SipPeer,
  unique,
} from '../../support/sip-peer.ts';
import type { AppRequest, AppResponse } from '../../support/test-engine.ts';

const suite = useEngine();
const { keep } = suite;

const openPeer = async (): Promise<SipPeer> => keep(await openUdpPeer(suite.engine.udp));

interface Call {
  readonly callId: string;
  readonly tag: string;
  readonly branch: string;
}

function invite(peer: SipPeer): Call {
  const call = { callId: unique('call'), tag: unique('ft'), branch: unique('z9hG4bK') };
  peer.request('INVITE', { ...call, headers: ['Supported: 100rel'], body: offerSdp() });
  return call;
}

const inCall = (
  peer: SipPeer,
  call: Call,
  response: PeerMessage,
  parts: { method: string; cseq: number; headers?: string[]; body?: string },
): string => peer.request(parts.method, { ...parts, callId: call.callId, tag: call.tag, to: response.header('To') });

function promised<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: (value) => resolve(value) };
}

interface ReliableResponse {
  send(status: number, parts: object, sent: undefined, onPrack: (prack: AppRequest) => void): void;
}

const sendReliably = (response: AppResponse, status: number, onPrack: (prack: AppRequest) => void): void =>
  (response as unknown as ReliableResponse).send(
    status,
    { headers: { Require: '100rel' }, body: offerSdp(41_000) },
    undefined,
    onPrack,
  );

describe('drachtio-srf before the final answer', () => {
  test('behaviour 38: a reliable 183 is repeated until its PRACK, which the application is told of', async () => {
    const peer = await openPeer();
    const pracks: string[] = [];
    keep(
      await suite.engine.app((srf) =>
        srf.invite((request, response) => {
          sendReliably(response, 183, (prack) => {
            pracks.push(prack.get('RAck'));
            void srf.createUAS(request, response, { localSdp: offerSdp(41_000) });
          });
        }),
      ),
    );
    const call = invite(peer);
    const progress = await peer.wait(isResponse(183));
    await peer.wait(isResponse(183), 2_500);
    expect(progress.header('Require')).toBe('100rel');
    const rack = `${progress.header('RSeq')} 1 INVITE`;
    inCall(peer, call, progress, { method: 'PRACK', cseq: 2, headers: [`RAck: ${rack}`] });
    await peer.wait(isResponse(200, 'PRACK'));
    const ok = await peer.wait(isResponse(200, 'INVITE'));
    inCall(peer, call, ok, { method: 'ACK', cseq: 1 });
    expect(pracks).toEqual([rack]);
  });

  test('behaviour 38: drachtio-srf hears of a peer without 100rel', async () => {
    const peer = await openPeer();
    const failed = promised<unknown>();
    keep(
      await suite.engine.app((srf) =>
        srf.invite((_request, response) =>
          response.send(183, { headers: { Require: '100rel' } }, (error) => {
            failed.resolve(error);
            response.send(486);
          }),
        ),
      ),
    );
    peer.request('INVITE', { body: offerSdp() });
    await peer.wait(isResponse(486));
    expect(await failed.promise).toBe('Remote endpoint does not support 100rel');
  });

  test('behaviour 39: createUAC acknowledges a reliable 183 in the early dialog', async () => {
    const peer = await openPeer();
    const app = keep(await suite.engine.app());
    const dialog = app.createUAC(`sip:bob@${peer.address}`, { localSdp: offerSdp(), headers: { Supported: '100rel' } });
    const request = await peer.wait(isRequest('INVITE'));
    peer.reply(request, 183, { headers: ['Require: 100rel', 'RSeq: 9'], body: offerSdp(42_000) });
    const prack = await peer.wait(isRequest('PRACK'));
    expect(prack.header('RAck')).toBe(`9 ${request.header('CSeq')}`);
    expect(prack.header('To')).toContain('peertag');
    peer.reply(prack, 200, { contact: false });
    peer.reply(request, 200, { body: offerSdp(42_000) });
    await peer.wait(isRequest('ACK'));
    const { sip } = await dialog;
    expect(sip.remoteTag).toBe('peertag');
  });

  test('behaviour 40: UPDATE reaches the INVITE it belongs to, in either direction', async () => {
    const peer = await openPeer();
    const updated = promised<AppRequest>();
    const app = keep(
      await suite.engine.app((srf) =>
        srf.invite((request, response) => {
          (
            request as unknown as { on(event: string, heard: (update: AppRequest, answer: AppResponse) => void): void }
          ).on('update', (update, answer) => {
            answer.send(200, { body: offerSdp(41_002) });
            updated.resolve(update);
          });
          sendReliably(response, 183, () => undefined);
        }),
      ),
    );
    const call = invite(peer);
    const progress = await peer.wait(isResponse(183));
    inCall(peer, call, progress, { method: 'PRACK', cseq: 2, headers: [`RAck: ${progress.header('RSeq')} 1 INVITE`] });
    await peer.wait(isResponse(200, 'PRACK'));
    inCall(peer, call, progress, { method: 'UPDATE', cseq: 3, body: offerSdp(40_004) });
    expect((await peer.wait(isResponse(200, 'UPDATE'))).body).toContain('41002');
    expect((await updated.promise).body).toContain('40004');

    const refused = app.createUAC(`sip:bob@${peer.address}`, { localSdp: offerSdp(43_000) });
    const request = await peer.wait(isRequest('INVITE'));
    peer.reply(request, 183, { body: offerSdp(42_000) });
    await app.settled();
    peer.request('UPDATE', {
      callId: request.header('Call-ID'),
      from: `${request.header('To')};tag=peertag`,
      to: request.header('From'),
      body: offerSdp(42_002),
    });
    expect((await peer.wait(isResponse(200, 'UPDATE'))).body).toContain('43000');
    peer.reply(request, 486);
    await expect(refused).rejects.toMatchObject({ status: 486 });
  });
});
