/** What strangers may cost the embedded SIP engine: sizes, connections, rates, load. */
import { z } from 'zod';

const rate = (fallback: number) => z.number().min(1).max(1_000_000).default(fallback);

const floodSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('shed sources that send more than they may: 503 at a low rate, then silence; trunks are exempt'),
  callsPerSec: rate(50).describe('INVITEs from one source address (one /64 of IPv6)'),
  registrationsPerSec: rate(100).describe('REGISTER, SUBSCRIBE and PUBLISH from one source'),
  requestsPerSec: rate(100).describe('OPTIONS, MESSAGE and other requests from one source'),
  followUpsPerSec: rate(1000).describe('responses, ACK, BYE, CANCEL, PRACK and UPDATE from one source'),
  strangersPerSec: rate(50).describe(
    'requests from all sources together that are neither trunks nor have registered, follow-ups not counted. Phones that come back after an outage are strangers until they have registered, with two requests each: 50 let 1,500 in within a minute; where more come back, raise it (each 100 may cost some 50 MB while a flood lasts)',
  ),
  burstSec: z.number().min(1).max(60).default(2).describe('so many seconds of its rate a source may send at once'),
  knownFactor: z.number().min(1).max(1000).default(10).describe('a source that has registered may send so much more'),
});

const overloadSchema = z.strictObject({
  lagMs: z
    .number()
    .min(20)
    .max(10_000)
    .default(200)
    .describe('when a thread or the socket is so late, part of the new calls is turned away until it is not'),
  transactions: z.int().min(100).max(10_000_000).default(100_000).describe('requests being served at a time'),
  unansweredCalls: z.int().min(10).max(1_000_000).default(5000).describe('calls that wait for their first answer'),
  retryAfterSec: z.int().min(1).max(3600).default(5).describe('Retry-After of the 503 to those turned away'),
});

export const limitsSchema = z.strictObject({
  messageBytes: z.int().min(2048).max(1_048_576).default(65_536).describe('largest SIP message'),
  connections: z.int().min(1).max(1_000_000).default(10_000).describe('TCP, TLS and WebSocket connections in all'),
  connectionsPerSource: z.int().min(1).max(1_000_000).default(200).describe('connections from one address'),
  idleSec: z
    .number()
    .min(10)
    .max(86_400)
    .default(600)
    .describe('a connection that carries nothing is closed after this'),
  firstMessageSec: z
    .number()
    .min(1)
    .max(600)
    .default(30)
    .describe('how long a connection may take to its first message, and any message to its end'),
  flood: floodSchema.prefault({}),
  overload: overloadSchema.prefault({}),
});
