/** Asterisk 22 between phones with Opus and phones with PCMU. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Figures } from '../lib/goal.ts';
import { opusSdp, parseSdp, plainSdp } from '../lib/sdp.ts';
import { CallingPhone } from '../lib/sip-uac.ts';
import { AnsweringPhone } from '../lib/sip-uas.ts';
import {
  connectTranscoded,
  measureTranscoding,
  openTranscoded,
  opusPort,
  pcmuPort,
  type TranscodingRun,
} from '../lib/transcoding-run.ts';
import { asteriskPort, modulesFile, startAsterisk } from './asterisk.ts';

const phone = { address: '127.0.0.2', port: 5092 };
const caller = { address: '127.0.0.3', port: 5093 };

const endpoint = (name: string, address: string, codec: string): string => `[${name}]
type=endpoint
context=through
disallow=all
allow=${codec}
direct_media=no
rtp_symmetric=yes
aors=${name}
[${name}]
type=aor
contact=sip:${address}:${phone.port}
[${name}]
type=identify
endpoint=${name}
match=${address}
`;

const more = {
  modules: modulesFile(['res_format_attr_opus', 'codec_resample', 'codec_opus_open_source']),
  pjsip: `[global]
type=global
endpoint_identifier_order=ip
[udp]
type=transport
protocol=udp
bind=127.0.0.1:${asteriskPort}
${endpoint('caller', caller.address, 'opus')}${endpoint('trunk', phone.address, 'ulaw')}`,
  extensions: `[through]\nexten => _X.,1,Dial(PJSIP/trunk/sip:\${EXTEN}@${phone.address}:${phone.port})\n`,
};

export async function measureAsteriskTranscoding(run: TranscodingRun): Promise<Figures | 'missing'> {
  const folder = path.join(run.folder, 'asterisk-transcoding');
  mkdirSync(folder, { recursive: true });
  const asterisk = await startAsterisk(folder, run.log, { more, priority: 5 });
  if (asterisk === undefined) return 'missing';
  const load = await openTranscoded(run);
  const offered = new Map<number, number>();
  const callee = new AnsweringPhone(phone.address, phone.port, (user, offer) => {
    const call = Number(user);
    offered.set(call, parseSdp(offer).port);
    return plainSdp('127.0.0.1', pcmuPort(call));
  });
  const calling = new CallingPhone(caller.address, caller.port);
  try {
    await Promise.all([callee.start(), calling.start()]);
    for (let call = 0; call < run.calls; call += 1) {
      const to = String(call).padStart(4, '0');
      const sdp = opusSdp('127.0.0.1', opusPort(call));
      const answer = parseSdp(await calling.call({ from: 'caller', to, port: asteriskPort, sdp }));
      connectTranscoded(load, call, { opus: answer.port, pcmu: offered.get(call) ?? 0 });
    }
    return await measureTranscoding(load, asterisk.pids, run);
  } finally {
    calling.stop();
    callee.stop();
    await load.stop();
    await asterisk.stop();
  }
}
