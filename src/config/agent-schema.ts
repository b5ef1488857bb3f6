/** AI agents: where they are, and how they are spoken to. */
import { z } from 'zod';
import { environmentName } from './environment-name.ts';
import { name } from './name-schema.ts';
import { toolSchema } from './tool-schema.ts';

const url = z.string().regex(/^wss?:\/\/[^\s]{1,2000}$/, 'must be a ws:// or wss:// URL');
const voiceUrl = z
  .string()
  .regex(/^(wss?|https?):\/\/[^\s]{1,2000}$/, 'must be a wss:// or https:// URL (or ws://, http://)');
const hostPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]{2,45}\]|[\w.-]{1,253}):\d{1,5}$/, 'must be host:port')
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'must be host:port');
const templates = z.record(z.string().min(1).max(128), z.string().max(1000)).default({});

const common = {
  name: name.describe('user part of its address of record, and its name in the dialplan'),
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
    .array(z.enum(['transfer', 'send_dtmf', 'hold']))
    .default(['transfer', 'send_dtmf', 'hold'])
    .describe('what the model may do with the call beside hang_up'),
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

export const agentSchema = z.discriminatedUnion(
  'protocol',
  [twilioSchema, openaiSchema, vonageSchema, jambonzSchema, audioSocketSchema],
  { error: 'protocol must be twilio, openai, vonage, jambonz or audiosocket' },
);
