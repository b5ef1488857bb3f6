/** Janus with its SIP plugin: WebRTC callers to plain RTP phones. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { run as runCommand, start, withPriority } from '../lib/command.ts';
import type { Figures } from '../lib/goal.ts';
import { LoadGenerator } from '../lib/load.ts';
import { firstPort, type MediaRun, settle } from '../lib/media-run.ts';
import { parseSdp, plainSdp, token, webSdp } from '../lib/sdp.ts';
import { AnsweringPhone } from '../lib/sip-uas.ts';
import { measureWindows } from '../lib/window.ts';
import { JanusClient } from './janus-client.ts';

const phone = { address: '127.0.0.2', port: 5092 };

/** Janus never uses loopback for ICE. An own address stays inside the machine all the same. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flat();
  const own = addresses.find((address) => address?.family === 'IPv4' && !address.internal);
  if (own === undefined) throw new Error('Janus needs one address that is not loopback');
  return own.address;
}

/** Renders the configuration and a certificate into the scratch folder. */
async function configure(folder: string): Promise<void> {
  const templates = path.join(import.meta.dirname, 'janus');
  for (const name of readdirSync(templates)) {
    writeFileSync(
      path.join(folder, name),
      readFileSync(path.join(templates, name), 'utf8').replaceAll('@RUN@', folder),
    );
  }
  const [key, certificate] = [path.join(folder, 'server.key'), path.join(folder, 'server.pem')];
  await runCommand('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=bench',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
}

export async function measureJanus(run: MediaRun): Promise<Figures> {
  await configure(run.folder);
  const gateway = start(withPriority(5, ['janus', '-F', run.folder]), path.join(run.folder, 'janus.log'));
  const load = await LoadGenerator.start(run.folder, run.log, { webAddress: ownAddress() });
  const callee = new AnsweringPhone(phone.address, phone.port, (user, offer) => {
    const call = Number(user);
    const remote = /m=audio (\d+)/.exec(offer)?.[1];
    load.peerPlain(2 * call + 1, '127.0.0.1', Number(remote));
    return plainSdp('127.0.0.1', firstPort + 4 * call + 2);
  });
  let client: JanusClient | undefined;
  try {
    await callee.start();
    client = await JanusClient.connect('ws://127.0.0.1:8188');
    for (let call = 0; call < run.calls; call += 1) await setUp(client, load, call);
    await settle(load, run);
    return await measureWindows(load, [gateway.pid], run);
  } finally {
    client?.close();
    callee.stop();
    await load.stop();
    await gateway.stop();
  }
}

async function setUp(client: JanusClient, load: LoadGenerator, call: number): Promise<void> {
  const [web, sip] = [2 * call, 2 * call + 1];
  const webPort = firstPort + 4 * call;
  load.openPlain(sip, webPort + 2);
  const handle = await client.attach('janus.plugin.sip');
  await client.ask(handle, { request: 'register', type: 'guest', username: `sip:j${call}@127.0.0.1` }, 'registered');
  const endpoint = { ip: load.webAddress, port: webPort, usernameFragment: `u${token(7)}`, password: token(24) };
  load.openWeb(web, endpoint, 'server');
  const uri = `sip:${String(call).padStart(4, '0')}@${phone.address}:${phone.port}`;
  const accepted = await client.ask(handle, { request: 'call', uri }, 'accepted', {
    type: 'offer',
    sdp: webSdp(endpoint, load.fingerprint, 0x10000000 + web),
  });
  const gateway = parseSdp(accepted.jsep?.sdp ?? '');
  load.peerWeb(web, gateway, gateway.ourRole);
  load.stamp(web, 'A', 0);
  load.stamp(sip, 'B', 0);
}
