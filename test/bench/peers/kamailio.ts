/** Kamailio as a proxy that stays in the dialog: less than a B2BUA does, and so a floor for what signaling costs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run, sleep, start } from '../lib/command.ts';
import { calleePort, type SignalingPeer } from '../lib/signaling-run.ts';

const port = 44_590;

/** One UDP worker: two change the order of a call's messages, which SIPp counts as failures. */
const configuration = `#!KAMAILIO
debug=1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:${port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib64/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("404", "Not Here");
    exit;
  }
  t_check_trans();
  record_route();
  $du = "sip:127.0.0.2:${calleePort}";
  if (!t_relay()) { sl_reply_error(); }
}
`;

export async function startKamailio(folder: string): Promise<SignalingPeer> {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'kamailio.cfg');
  writeFileSync(file, configuration);
  const command = ['kamailio', '-DD', '-E', '-f', file, '-m', '256', '-M', '16', '-w', folder, '-Y', folder];
  const kamailio = start(command, path.join(folder, 'kamailio.log'));
  await sleep(1500);
  const children = await run('ps', ['-o', 'pid=', '--ppid', String(kamailio.pid)]).catch(() => '');
  const pids = [kamailio.pid, ...children.split(/\s+/).filter(Boolean).map(Number)];
  return { pids, port, number: '1234', stop: () => kamailio.stop() };
}
