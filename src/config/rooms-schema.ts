/** Rooms for browsers: who may connect, and how many. */
import { z } from 'zod';

export const roomsSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('serve rooms at /rtc of the HTTP and HTTPS servers'),
  allowedOrigins: z
    .array(z.string().regex(/^(\*|https?:\/\/[^/\s]+)$/, 'an origin, as https://app.example, or *'))
    .default([])
    .describe('origins of web pages that may connect, beside our own; *: all'),
  allowPlain: z
    .boolean()
    .default(false)
    .describe('connections without TLS from other machines: only where something in front of us does TLS'),
  participants: z.int().min(2).max(10_000).default(100).describe('participants of a room at most'),
  publications: z.int().min(1).max(64).default(12).describe('tracks and data channels of a participant at most'),
  participantsPerRouter: z
    .int()
    .min(1)
    .max(10_000)
    .default(16)
    .describe('participants of a room that share a core before another one is used'),
  resumeSec: z
    .number()
    .min(1)
    .max(600)
    .default(30)
    .describe('how long a participant whose connection is lost stays in the room'),
});
