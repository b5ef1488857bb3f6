/** AI agents that speak WebSocket: where they are, and how they are spoken to. */
import { z } from 'zod';
import { name } from './name-schema.ts';

const url = z
  .string()
  .regex(/^wss?:\/\/[^\s]{1,2000}$/, 'must be a ws:// or wss:// URL')
  .describe('its WebSocket server; may contain ${from}, ${to} and ${callId}');
const templates = z.record(z.string().min(1).max(128), z.string().max(1000)).default({});

export const agentSchema = z.strictObject({
  name: name.describe('user part of its address of record, and its name in the dialplan'),
  protocol: z.enum(['twilio']).describe('twilio: Twilio Media Streams, bidirectional'),
  url,
  headers: templates.describe('headers of the upgrade, as Authorization'),
  parameters: templates.describe('handed to the application as customParameters'),
  authTokenEnv: z
    .string()
    .regex(/^[A-Z_][A-Z0-9_]*$/, 'must be the name of an environment variable')
    .optional()
    .describe('environment variable with the token that signs the upgrade (X-Twilio-Signature)'),
  connectTimeoutSec: z.number().min(0.1).max(60).default(5).describe('how long its server may take to answer'),
  warmUpSec: z
    .number()
    .min(0)
    .max(60)
    .default(2)
    .describe('how long the caller hears it ring while the agent has not said anything'),
  prebufferMs: z.int().min(0).max(500).default(40).describe('how much of its speech is gathered before it is played'),
});
