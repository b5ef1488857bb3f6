/** Agents: where they are, how they are spoken to, and how they are to behave. */
import { z } from 'zod';
import { environmentName } from './environment-name.ts';
import { name } from './name-schema.ts';
import { toolSchema } from './tool-schema.ts';
import { trunkTlsSchema } from './trunk-tls-schema.ts';

const url = z.string().regex(/^wss?:\/\/[^\s]{1,2000}$/, 'must be a ws:// or wss:// URL');
const voiceUrl = z
  .string()
  .regex(/^(wss?|https?):\/\/[^\s]{1,2000}$/, 'must be a wss:// or https:// URL (or ws://, http://)');
const hostPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]{2,45}\]|[\w.-]{1,253}):\d{1,5}$/, 'must be host:port')
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'must be host:port');
const templates = z.record(z.string().min(1).max(128), z.string().max(1000)).default({});

const bargeInSchema = (by: 'agent' | 'gateway') =>
  z
    .strictObject({
      by: z
        .enum(['agent', 'gateway'])
        .default(by)
        .describe('who hears that the caller talks over the agent: the agent (by its protocol), or also the gateway'),
      duckDb: z
        .number()
        .min(0)
        .max(40)
        .default(0)
        .describe('the gateway makes it so much quieter first, and silent when the caller goes on; 0: silent at once'),
      confirmMs: z.int().min(40).max(2000).default(240).describe('how long the caller must have spoken for that'),
    })
    .prefault({});

const behavior = {
  name: name.describe('user part of its address of record, and its name in the dialplan'),
  fallback: z
    .strictObject({
      say: z.string().min(1).max(2000).optional().describe('words for the caller, spoken by espeak-ng'),
      to: z.string().min(1).max(256).optional().describe('a user, a number or another agent'),
    })
    .refine(({ say, to }) => say !== undefined || to !== undefined, 'must have `say`, `to` or both')
    .optional()
    .describe('for an agent that cannot be had any more: without it the rule decides, or a message and the end'),
};

const common = {
  ...behavior,
  bargeIn: bargeInSchema('agent').describe('what happens when the caller talks over the agent'),
  retry: z
    .strictObject({
      attempts: z.int().min(0).max(20).default(2).describe('how often a broken connection is made anew, in a row'),
      waitSec: z
        .number()
        .min(0.05)
        .max(10)
        .default(0.3)
        .describe('before the first one; twice as long before each next'),
    })
    .prefault({}),
  comfort: z
    .strictObject({
      whenLost: z.boolean().default(true).describe('soft notes while a broken connection is made anew'),
      lateSec: z
        .number()
        .min(0)
        .max(60)
        .default(0)
        .describe('the same when the agent has not answered for so long after the caller has spoken; 0: never'),
    })
    .prefault({}),
  connectTimeoutSec: z.number().min(0.1).max(60).default(5).describe('how long its server may take to answer'),
  warmUpSec: z
    .number()
    .min(0)
    .max(60)
    .default(2)
    .describe('how long the caller hears it ring while the agent has not said anything'),
  transferTo: z
    .array(z.string().regex(/^[+0-9*#]{1,32}$/, 'must be the beginning of a number'))
    .max(100)
    .default([])
    .describe(
      'beginnings of the numbers that it may send its callers to through a trunk, as they are dialed; to users and agents it always may',
    ),
  prebufferMs: z.int().min(0).max(500).default(40).describe('how much of its speech is gathered before it is played'),
};

/** Of those behind a WebSocket. */
const web = {
  ...common,
  headers: templates.describe('headers of the upgrade'),
  ca: z
    .string()
    .optional()
    .describe("PEM file of the authorities its server's certificate may come from, instead of the system's"),
};

const twilioSchema = z.strictObject({
  ...web,
  protocol: z.literal('twilio').describe('Twilio Media Streams, and voice webhooks that answer with TwiML'),
  url: voiceUrl.describe(
    'its stream (wss://) or its voice webhook (https://, which is told of each call and answers with TwiML); may contain ${from}, ${to} and ${callId}',
  ),
  parameters: templates.describe('handed to the application as customParameters'),
  allowPrivate: z
    .boolean()
    .default(false)
    .describe('its TwiML may lead to private addresses other than the host of `url`'),
  accountSidEnv: environmentName
    .optional()
    .describe('environment variable with the account id that its application knows, a fixed one by default'),
  authTokenEnv: environmentName
    .optional()
    .describe(
      'environment variable with the token that signs what it is sent (X-Twilio-Signature), and with which it may use the REST API for its calls',
    ),
});

const openaiSchema = z.strictObject({
  ...web,
  protocol: z.literal('openai').describe('OpenAI Realtime, or what is compatible with it'),
  url: url.default('wss://api.openai.com/v1/realtime?model=gpt-realtime').describe('its server, with the model'),
  apiKeyEnv: environmentName.optional().describe('environment variable with the API key, sent as bearer token'),
  encoding: z
    .enum(['PCMU', 'PCMA', 'L16'])
    .default('PCMU')
    .describe('of the audio: the one that your trunks use, or L16 (16 bits at 24 kHz), which is always transcoded'),
  instructions: z.string().max(20_000).default('').describe('what the model is to do; may contain ${from} and ${to}'),
  greeting: z
    .string()
    .max(2000)
    .optional()
    .describe('instructions for what it says first ("": its own words); without it the caller speaks first'),
  callTools: z
    .array(z.enum(['transfer', 'consult', 'complete_transfer', 'cancel_transfer', 'send_dtmf', 'hold']))
    .default(['transfer', 'send_dtmf', 'hold'])
    .describe(
      'what the model may do with the call beside hang_up; consult: talks with somebody first, while the caller waits',
    ),
  tools: z.array(toolSchema).max(64).default([]).describe('further functions of the model: HTTP requests'),
  session: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('further keys of session.update, as `audio: { output: { voice: marin } }`'),
});

const linear = {
  rateHz: z
    .literal([8000, 16_000, 24_000])
    .default(16_000)
    .describe('sampling rate of its audio, which is 16-bit linear PCM'),
};

const vonageSchema = z.strictObject({
  ...web,
  ...linear,
  protocol: z.literal('vonage').describe("Vonage's Voice WebSocket"),
  url: url.describe('its WebSocket server; may contain ${from}, ${to} and ${callId}'),
  parameters: templates.describe('handed to the application in the first message'),
  tokenEnv: environmentName.optional().describe('environment variable with a token, sent as bearer token'),
});

const jambonzSchema = z
  .strictObject({
    ...web,
    ...linear,
    protocol: z.literal('jambonz').describe("jambonz' listen verb, bidirectional and streaming"),
    url: url.describe('its WebSocket server; may contain ${from}, ${to} and ${callId}'),
    parameters: templates.describe('handed to the application in the first message'),
    username: z.string().min(1).max(128).optional().describe('for HTTP Basic authentication'),
    passwordEnv: environmentName.optional().describe('environment variable with the password of `username`'),
  })
  .refine(({ username, passwordEnv }) => (username === undefined) === (passwordEnv === undefined), {
    path: ['passwordEnv'],
    error: 'username and passwordEnv belong together: give both or none',
  });

const audioSocketSchema = z.strictObject({
  ...common,
  protocol: z.literal('audiosocket').describe('AudioSocket, as Asterisk speaks it'),
  address: hostPort.describe('its server, as host:port'),
  rateHz: linear.rateHz.default(8000).describe('sampling rate of its audio, which is 16-bit linear PCM'),
});

const receptionSchema = z.strictObject({
  ...behavior,
  protocol: z.literal('reception').describe('built in: a menu for the telephone'),
  greeting: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe('what it says first, spoken by espeak-ng; without it the demo users are offered'),
  menu: z
    .record(z.string().regex(/^[0-9*#A-D]$/, 'must be one key of a telephone'), z.string().min(1).max(256))
    .default({ 0: 'repeat', 1: 'alice', 2: 'bob', 3: 'carol', 9: 'echo' })
    .describe('key -> user, number or agent to put the caller through to; `repeat`: the greeting again'),
  waitSec: z.number().min(1).max(60).default(6).describe('how long a key is waited for'),
  bargeIn: bargeInSchema('gateway').describe('what happens when the caller talks over it'),
});

const parrotSchema = z.strictObject({
  ...behavior,
  protocol: z.literal('parrot').describe('built in: says back what it hears'),
  bargeIn: bargeInSchema('gateway').describe('what happens when the caller talks over it'),
});

const sipSchema = z.strictObject({
  name: common.name,
  protocol: z.literal('sip').describe('SIP: an agent like a phone, with RTP of its own'),
  uri: z
    .string()
    .regex(
      /^sips?:[\w.!~*'()+$-]{1,128}@(?:\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?(?:;transport=(?:udp|tcp|tls))?$/i,
      'must be a SIP URI, as sip:agent@example.org;transport=tls',
    )
    .describe('where it is, as sip:agent@example.org;transport=tls; found by RFC 3263'),
  headers: z
    .record(
      z.string().regex(/^(x-[a-z0-9-]{1,60}|user-to-user)$/i, 'must be an X- header or User-to-User'),
      z.string().max(1000),
    )
    .default({})
    .describe('headers of the INVITE; may contain ${from}, ${to} and ${callId}'),
  username: z.string().min(1).max(128).optional().describe('user name for digest, when it challenges us'),
  passwordEnv: environmentName.optional().describe('environment variable with the password of `username`'),
  profile: name.default('trunks').describe('file in sip-profiles/ with its codecs and policy'),
  tls: trunkTlsSchema.optional().describe('whom to believe and what to show, with transport tls'),
  connectTimeoutSec: common.connectTimeoutSec,
});

export const agentSchema = z.discriminatedUnion(
  'protocol',
  [
    twilioSchema,
    openaiSchema,
    vonageSchema,
    jambonzSchema,
    audioSocketSchema,
    sipSchema,
    receptionSchema,
    parrotSchema,
  ],
  { error: 'protocol must be twilio, openai, vonage, jambonz, audiosocket, sip, reception or parrot' },
);
