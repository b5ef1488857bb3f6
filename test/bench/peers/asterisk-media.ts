/** Asterisk 22 between WebRTC callers and plain RTP phones: DTLS-SRTP ⇄ RTP, nothing transcoded. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Figures } from '../lib/goal.ts';
import { LoadGenerator } from '../lib/load.ts';
import { firstPort, type MediaRun, settle } from '../lib/media-run.ts';
import { parseSdp, plainSdp, token, webSdp } from '../lib/sdp.ts';
import { CallingPhone } from '../lib/sip-uac.ts';
import { AnsweringPhone } from '../lib/sip-uas.ts';
import { measureWindows } from '../lib/window.ts';
import { asteriskPort, startAsterisk } from './asterisk.ts';

const phone = { address: '127.0.0.2', port: 5092 };
const caller = { address: '127.0.0.3', port: 5093 };

const more = {
  rtp: '[general]\nrtpstart=20000\nrtpend=29999\nicesupport=yes\n',
  pjsip: `[global]
type=global
endpoint_identifier_order=ip
[udp]
type=transport
protocol=udp
bind=127.0.0.1:${asteriskPort}
[browser]
type=endpoint
context=through
disallow=all
allow=ulaw
webrtc=yes
direct_media=no
[browser]
type=identify
endpoint=browser
match=${caller.address}
[trunk]
type=endpoint
context=through
disallow=all
allow=ulaw
direct_media=no
rtp_symmetric=yes
aors=trunk
[trunk]
type=aor
contact=sip:${phone.address}:${phone.port}
[trunk]
type=identify
endpoint=trunk
match=${phone.address}
`,
  extensions: `[through]\nexten => _X.,1,Dial(PJSIP/trunk/sip:\${EXTEN}@${phone.address}:${phone.port})\n`,
};

export async function measureAsteriskMedia(run: MediaRun): Promise<Figures | 'missing'> {
  const folder = path.join(run.folder, 'asterisk-media');
  mkdirSync(folder, { recursive: true });
  const asterisk = await startAsterisk(folder, run.log, { more, priority: 5 });
  if (asterisk === undefined) return 'missing';
  const load = await LoadGenerator.start(run.folder, run.log);
  const callee = new AnsweringPhone(phone.address, phone.port, (user, offer) => {
    const call = Number(user);
    load.peerPlain(2 * call + 1, '127.0.0.1', parseSdp(offer).port);
    return plainSdp('127.0.0.1', firstPort + 4 * call + 2);
  });
  const browser = new CallingPhone(caller.address, caller.port);
  try {
    await Promise.all([callee.start(), browser.start()]);
    for (let call = 0; call < run.calls; call += 1) await setUp(browser, load, call);
    await settle(load, run);
    return await measureWindows(load, asterisk.pids, run);
  } finally {
    browser.stop();
    callee.stop();
    await load.stop();
    await asterisk.stop();
  }
}

async function setUp(browser: CallingPhone, load: LoadGenerator, call: number): Promise<void> {
  const [web, sip] = [2 * call, 2 * call + 1];
  const webPort = firstPort + 4 * call;
  const endpoint = { ip: '127.0.0.1', port: webPort, usernameFragment: `u${token(7)}`, password: token(24) };
  load.openWeb(web, endpoint, 'server');
  load.openPlain(sip, webPort + 2);
  const sdp = webSdp(endpoint, load.fingerprint, 0x10000000 + web);
  const to = String(call).padStart(4, '0');
  const answer = parseSdp(await browser.call({ from: 'browser', to, port: asteriskPort, sdp }));
  load.peerWeb(web, { ...answer, ip: '127.0.0.1' }, answer.ourRole);
  load.stamp(web, 'A', 0);
  load.stamp(sip, 'B', 0);
}
