/** rtpengine in userspace, driven over its control port: DTLS-SRTP ⇄ RTP. */
import path from 'node:path';
import { sleep, start, withPriority } from '../lib/command.ts';
import { type Figures } from '../lib/goal.ts';
import { LoadGenerator } from '../lib/load.ts';
import { firstPort, type MediaRun, settle } from '../lib/media-run.ts';
import { NgClient } from '../lib/ng.ts';
import { parseSdp, plainSdp, token, webSdp } from '../lib/sdp.ts';
import { measureWindows } from '../lib/window.ts';

const controlPort = 22_223;

async function answered(client: NgClient): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    try {
      await client.request({ command: 'ping' }, 250);
      return;
    } catch {
      await sleep(100);
    }
  }
  throw new Error('rtpengine does not answer on its control port');
}

export interface Rtpengine {
  readonly pid: number;
  readonly client: NgClient;
  stop(): Promise<void>;
}

export async function startRtpengine(folder: string): Promise<Rtpengine> {
  const command = [
    'rtpengine',
    '-f',
    '-E',
    '-i',
    '127.0.0.1',
    '-n',
    `127.0.0.1:${controlPort}`,
    '-m',
    '30000',
    '-M',
    '39999',
    '--table=-1',
    '--log-level=4',
  ];
  const gateway = start(withPriority(5, command), path.join(folder, 'rtpengine.log'));
  const client = new NgClient(controlPort);
  const stop = async (): Promise<void> => {
    client.close();
    await gateway.stop();
  };
  try {
    await answered(client);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: gateway.pid, client, stop };
}

export async function measureRtpengine(run: MediaRun): Promise<Figures> {
  const gateway = await startRtpengine(run.folder);
  const load = await LoadGenerator.start(run.folder, run.log);
  try {
    for (let call = 0; call < run.calls; call += 1) await setUp(gateway.client, load, call);
    await settle(load, run);
    return await measureWindows(load, [gateway.pid], run);
  } finally {
    await load.stop();
    await gateway.stop();
  }
}

async function setUp(client: NgClient, load: LoadGenerator, call: number): Promise<void> {
  const [web, sip] = [2 * call, 2 * call + 1];
  const webPort = firstPort + 4 * call;
  const sipPort = webPort + 2;
  const endpoint = { ip: '127.0.0.1', port: webPort, usernameFragment: `u${token(7)}`, password: token(24) };
  load.openWeb(web, endpoint, 'client');
  load.openPlain(sip, sipPort);
  const id = token(16);
  const base = { 'call-id': id, 'from-tag': `f${id}`, replace: ['origin'] };
  const offer = await client.request({
    command: 'offer',
    ...base,
    ICE: 'remove',
    'transport-protocol': 'RTP/AVP',
    'rtcp-mux': ['demux'],
    sdp: webSdp(endpoint, load.fingerprint, 0x10000000 + web),
  });
  load.peerPlain(sip, '127.0.0.1', parseSdp(offer).port);
  const answer = await client.request({
    command: 'answer',
    ...base,
    'to-tag': `t${id}`,
    ICE: 'force',
    sdp: plainSdp('127.0.0.1', sipPort),
  });
  const gateway = parseSdp(answer);
  load.peerWeb(web, gateway, gateway.ourRole);
  load.stamp(web, 'A', 0);
  load.stamp(sip, 'B', 0);
}
