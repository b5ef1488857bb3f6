/**
 * The one schema of viaduct.yaml. Defaults and descriptions live here and nowhere else:
 * the README's table and `viaduct config show` are made from it.
 */
import { z } from 'zod';
import { agentSchema } from './agent-schema.ts';
import { audioSocketServerSchema } from './audio-socket-schema.ts';
import { authSchema } from './auth-schema.ts';
import { callFeatureSchemas } from './call-feature-schema.ts';
import { codecSchemas } from './codec-schema.ts';
import { reliableProvisionalSchema, sessionTimerSchema } from './dialog-schema.ts';
import { identitySchemas } from './identity-schema.ts';
import { limitsSchema } from './limits-schema.ts';
import { listenerSchema } from './listener-schema.ts';
import { name, tenant } from './name-schema.ts';
import { numbersSchema } from './numbers-schema.ts';
import { roomsSchema } from './rooms-schema.ts';
import { srtpSchemas } from './srtp-schema.ts';
import { bansSchema, tollFraudSchema } from './toll-fraud-schema.ts';
import { nameServersSchema, trunkGroupSchema, trunkSchema } from './trunk-schema.ts';
import { webhookSchema } from './webhook-schema.ts';

const port = z.int().min(0).max(65535);
const host = z.string().min(1).max(253);

const httpSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('serve plain HTTP (browsers give a microphone only to localhost there)'),
  address: z.string().default('0.0.0.0').describe('local address to listen on'),
  port: port.default(8080).describe('TCP port'),
});

const httpsSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('serve HTTPS'),
  address: z.string().default('0.0.0.0').describe('local address to listen on'),
  port: port.default(8443).describe('TCP port'),
  certificate: z
    .string()
    .optional()
    .describe('PEM file; without it one is generated into the data folder at first start'),
  key: z.string().optional().describe('PEM file of the private key of `certificate`'),
});

const portRangeSchema = z
  .strictObject({
    min: port.default(20000).describe('first UDP port for RTP towards SIP peers'),
    max: port.default(24999).describe('last UDP port for RTP towards SIP peers'),
  })
  .refine((range) => range.max - range.min >= 1, { error: 'max must be above min: each call leg takes two ports' });

const mediaSchema = z.strictObject({
  announcedAddress: z
    .string()
    .default('auto')
    .describe('address that SDP tells the peers; auto: the first IPv4 address of this machine that is not loopback'),
  listenAddress: z.string().default('0.0.0.0').describe('local address for RTP and WebRTC'),
  listenAddress6: z
    .string()
    .optional()
    .describe('local IPv6 address for RTP towards SIP peers beside `listenAddress`; without it they get no IPv6'),
  announcedAddress6: z
    .string()
    .default('auto')
    .describe('IPv6 address that SDP tells the peers; auto: `listenAddress6`, or the first of this machine for "::"'),
  portRange: portRangeSchema.prefault({}),
  quarantineSec: z
    .number()
    .min(0)
    .max(3600)
    .default(10)
    .describe('how long a port rests after a call, against stale senders'),
  webRtcPort: port
    .default(44400)
    .describe('UDP and TCP port of the first mediasoup worker; each further worker takes the next one'),
  iceConsentSec: z
    .int()
    .min(10)
    .max(60)
    .default(15)
    .describe('how long a browser may send no ICE check before its network counts as away; browsers send one each 5 s'),
  iceGraceSec: z
    .number()
    .min(0)
    .max(600)
    .default(30)
    .describe('how long a call then waits for the browser to come back, on another network too, before it is ended'),
  workers: z.int().min(0).max(256).default(0).describe('mediasoup workers; 0: one for each core'),
  edgeThreads: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe('threads that carry RTP towards SIP peers; 0: one for each two cores'),
  sounds: z
    .string()
    .optional()
    .describe('folder of WAV files (16-bit PCM, ten minutes at most) that agents and the API may play by name'),
  musicOnHold: z
    .string()
    .min(1)
    .default('melody')
    .describe(
      'what is played to whom the other side holds: melody, none, or a WAV file of 16-bit PCM, ten minutes at most',
    ),
  workerBin: z.string().optional().describe('mediasoup-worker executable; npm start sets it'),
  opus: z
    .enum(['auto', 'native', 'wasm'])
    .default('auto')
    .describe(
      'libopus that transcodes: native, built by npm start where there are gcc and libopus-dev; wasm, which needs nothing and costs half as much again; auto: native where it is built',
    ),
  handOver: z
    .enum(['auto', 'off'])
    .default('auto')
    .describe(
      'auto: the edge leaves the RTP of a call that only passes through to mediasoup, which costs half as much, and takes it back at every change; off: it carries every packet',
    ),
});

const userSchema = z.strictObject({
  name: name.describe('user part of the address of record and user name for digest'),
  password: z.string().min(1).max(256).describe('password for digest authentication'),
  displayName: z.string().max(128).optional().describe('name shown to the called party'),
  number: z
    .string()
    .regex(/^\+?\d{1,15}$/, 'a number, as +4930123456')
    .optional()
    .describe('number from which calls through trunks come, as +4930123456; default: that of the trunk, else `name`'),
  tenant,
});

const sipSchema = z.strictObject({
  engine: z
    .string()
    .regex(/^(embedded|drachtio:\/\/[^\s/:]+:\d+)$/, 'embedded, or drachtio://host:port')
    .default('embedded')
    .describe('embedded, or drachtio://host:port for a drachtio-server'),
  engineStrict: z
    .boolean()
    .default(false)
    .describe('the embedded engine behaves like a drachtio-server, its limits and faults included; for tests'),
  secret: z.string().default('cymru').describe('secret of that drachtio-server; the embedded engine makes its own'),
  domain: host.default('viaduct.local').describe('host part of our addresses of record'),
  domains: z
    .array(host)
    .default([])
    .describe('further host names that mean us; the addresses of this machine always do'),
  edgeProxies: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'an IP address or IP/prefix length'))
    .default([])
    .describe('SIP proxies of yours in front (Kamailio): what they forward is judged by the client behind them'),
  profiles: z
    .string()
    .default('sip-profiles')
    .describe('folder of the profiles; relative to this file, else to the program'),
  noAnswerSec: z.number().min(1).max(600).default(60).describe('how long a call rings'),
  reregisterWaitSec: z
    .number()
    .min(0)
    .max(60)
    .default(10)
    .describe('how long a call waits for a browser or TCP phone that has lost its connection'),
  dnsServers: nameServersSchema,
  limits: limitsSchema.prefault({}),
  bans: bansSchema.prefault({}),
});

const telemetrySchema = z.strictObject({
  otlpEndpoint: z.url().optional().describe('URL of an OTLP/HTTP collector for traces, as http://host:4318/v1/traces'),
  messageLog: z
    .strictObject({
      minutes: z
        .number()
        .min(0)
        .max(10_080)
        .default(60)
        .describe('how long the SIP messages of a call are kept in memory after its last one; 0: not at all'),
      megabytes: z
        .int()
        .min(1)
        .max(4096)
        .default(64)
        .describe('memory for them; the calls silent for longest go first'),
    })
    .prefault({}),
  callRecordFile: z
    .string()
    .optional()
    .describe('file to which every finished call adds a line of JSON; may be rotated by renaming it'),
  callRecordDays: z.int().min(1).max(3650).default(30).describe('how long call records are kept'),
});

export const configSchema = z.strictObject({
  data: z.string().default('.viaduct').describe('folder for what must survive a restart'),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .describe('least severe level that is logged'),
      format: z
        .enum(['auto', 'json', 'pretty'])
        .default('auto')
        .describe('auto: pretty on a terminal, JSON lines elsewhere'),
    })
    .prefault({}),
  http: httpSchema.prefault({}),
  https: httpsSchema.prefault({}),
  api: z
    .strictObject({
      token: z
        .string()
        .min(16)
        .optional()
        .describe('bearer token of the HTTP API; without it one is generated into the data folder'),
      requestsPerSec: z
        .number()
        .min(1)
        .max(10_000)
        .default(50)
        .describe('requests that change something, of all clients together; more get 429'),
    })
    .prefault({}),
  sip: sipSchema.prefault({}),
  media: mediaSchema.prefault({}),
  auth: authSchema.prefault({}),
  rooms: roomsSchema.prefault({}),
  users: z.array(userSchema).optional().describe('accounts; without them three demo accounts with generated passwords'),
  audioSocket: audioSocketServerSchema.prefault({}),
  webhooks: z.array(webhookSchema).max(32).default([]).describe('HTTP servers that are told what happens to calls'),
  agents: z
    .array(agentSchema)
    .default([])
    .describe('agents, each with an address of its own; `reception` and `parrot` are there without being named'),
  trunks: z.array(trunkSchema).default([]).describe('carriers and PBXs that call without registering'),
  trunkGroups: z
    .array(trunkGroupSchema)
    .default([])
    .describe('trunks under one name: the next one is tried when one cannot take a call'),
  tollFraud: tollFraudSchema.prefault({}),
  dialplan: z
    .string()
    .default('dialplans/default.yaml')
    .describe('file with the routing rules; relative to this file, else to the program'),
  emergencyNumbers: z
    .array(z.string().regex(/^[0-9*#]{1,16}$/, 'a number as it is dialed'))
    .default(['112', '911'])
    .describe('calls to these numbers pass every limit'),
  reload: z
    .strictObject({
      watch: z
        .boolean()
        .default(true)
        .describe('put a changed dialplan file in force by itself; SIGHUP and POST /reload do it at any time'),
    })
    .prefault({}),
  telemetry: telemetrySchema.prefault({}),
});

/** One file in sip-profiles/: listeners and the policy for who comes in there. */
export const profileSchema = z.strictObject({
  name: name.describe('the same as the file name without .yaml'),
  about: z.string().optional().describe('a sentence for people'),
  listeners: z.array(listenerSchema).default([]),
  media: z
    .enum(['rtp', 'webrtc', 'bypass'])
    .default('rtp')
    .describe(
      'rtp: plain RTP through the edge; webrtc: ICE and DTLS-SRTP; bypass: SDP passes unchanged and media goes around us',
    ),
  ...codecSchemas,
  reliableProvisional: reliableProvisionalSchema,
  sessionTimer: sessionTimerSchema,
  nat: z
    .strictObject({
      source: z
        .enum(['sdp', 'latch'])
        .default('latch')
        .describe('sdp: RTP only from and to the address of the SDP; latch: follow a peer behind NAT once'),
    })
    .prefault({}),
  ...srtpSchemas,
  auth: z
    .strictObject({
      required: z.boolean().default(true).describe('challenge requests with digest'),
      algorithms: z
        .array(z.enum(['MD5', 'SHA-256']))
        .min(1)
        .default(['MD5'])
        .describe('digest algorithms offered; most phones and browsers know MD5 only'),
      realm: z.string().optional().describe('digest realm; default: the domain'),
      nonceLifetimeSec: z.number().min(10).max(86400).default(300).describe('after this a nonce is stale'),
    })
    .prefault({}),
  registration: z
    .strictObject({
      minExpiresSec: z.int().min(1).default(60).describe('shorter is answered 423 Interval Too Brief'),
      maxExpiresSec: z.int().min(60).default(3600).describe('longer is cut to this'),
      maxContacts: z.int().min(1).max(100).default(10).describe('contacts of one address of record'),
    })
    .prefault({}),
  numbers: numbersSchema.optional().describe('how peers of this sort write telephone numbers; of trunks only'),
  ...identitySchemas,
  ...callFeatureSchemas,
});

export type ConfigFile = z.infer<typeof configSchema>;
export type UserConfig = z.infer<typeof userSchema>;
export type ProfileConfig = z.infer<typeof profileSchema>;
