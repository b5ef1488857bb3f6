/** HTTP servers that are told what happens to calls. */
import { z } from 'zod';
import { environmentName } from './environment-name.ts';

const EVENTS = [
  'call.started',
  'call.ringing',
  'call.answered',
  'call.failed',
  'call.digit',
  'call.played',
  'call.consultation',
  'call.transferred',
  'call.ended',
  'agent.utterance',
] as const;

export const webhookSchema = z
  .strictObject({
    url: z
      .string()
      .regex(/^https?:\/\/[^\s@]{1,2000}$/, 'must be an https:// URL without a password')
      .describe('where events are sent by POST'),
    secretEnv: environmentName.describe(
      'environment variable with the key of the signature: whsec_ and 24 to 64 random bytes in base64',
    ),
    events: z
      .array(z.enum(EVENTS))
      .min(1)
      .default([...EVENTS])
      .describe('which events'),
    timeoutSec: z.number().min(0.1).max(60).default(10).describe('how long one attempt may take'),
    attempts: z
      .int()
      .min(1)
      .max(20)
      .default(8)
      .describe('after so many in vain an event is given up; the pauses double from 1 s to 5 min'),
    maxWaiting: z.int().min(1).max(1_000_000).default(10_000).describe('events that may wait; more are given up'),
    allowPrivate: z
      .boolean()
      .default(false)
      .describe('its server may be at a private address, and then also be http://'),
  })
  .refine(({ url, allowPrivate }) => allowPrivate || url.startsWith('https:'), {
    path: ['url'],
    message: 'must be an https:// URL, or set allowPrivate',
  });
