/** Asterisk 22 between a registered browser (SIP over WebSocket, DTLS-SRTP) and a trunk, G.711 untouched. */
import { asteriskPort, modulesFile, startAsterisk } from './asterisk.ts';

const wsPort = 44_594;

export interface WebRtcAsterisk {
  /** URL of its WebSocket. */
  readonly server: string;
  stop(): Promise<void>;
}

interface Setting {
  readonly account: { readonly user: string; readonly password: string };
  /** Where it calls. */
  readonly phone: { readonly address: string; readonly port: number };
}

/** Undefined when it cannot be had here. */
export async function startWebRtcAsterisk(
  folder: string,
  log: (line: string) => void,
  { account: { user, password }, phone }: Setting,
): Promise<WebRtcAsterisk | undefined> {
  const more = {
    modules: modulesFile([
      'res_http_websocket',
      'res_pjsip_transport_websocket',
      'res_pjsip_authenticator_digest',
      'res_pjsip_registrar',
      'res_pjsip_endpoint_identifier_user',
    ]),
    http: `[general]\nenabled=yes\nbindaddr=127.0.0.1\nbindport=${wsPort}\n`,
    rtp: '[general]\nrtpstart=20000\nrtpend=20999\nicesupport=yes\n',
    pjsip: `[global]
type=global
endpoint_identifier_order=username,ip
[udp]
type=transport
protocol=udp
bind=127.0.0.1:${asteriskPort}
[ws]
type=transport
protocol=ws
bind=127.0.0.1
[${user}]
type=endpoint
context=through
disallow=all
allow=ulaw
webrtc=yes
direct_media=no
auth=${user}
aors=${user}
[${user}]
type=auth
auth_type=digest
username=${user}
password=${password}
[${user}]
type=aor
max_contacts=10
remove_existing=yes
[trunk]
type=endpoint
context=through
disallow=all
allow=ulaw
direct_media=no
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
  const asterisk = await startAsterisk(folder, log, { more });
  if (asterisk === undefined) return undefined;
  return { server: `ws://127.0.0.1:${wsPort}/ws`, stop: () => asterisk.stop() };
}
