/** The three kinds of messages: one JSON text each. */
import * as z from 'zod/mini';

export const SUBPROTOCOL = 'viaduct.rooms.1';

export const signalRequest = z.object({
  type: z.literal('request'),
  id: z.int().check(z.minimum(0), z.maximum(0x7fff_ffff)),
  method: z.string().check(z.maxLength(32)),
  data: z.unknown(),
});
export type SignalRequest = z.infer<typeof signalRequest>;

export const signalError = z.object({
  code: z.string(),
  message: z.string(),
  /** May succeed when it is tried again later. */
  isRetryable: z.boolean(),
});
export type SignalError = z.infer<typeof signalError>;

/** What the gateway sends: the response to a request, or a notification. */
export const signalFromGateway = z.union([
  z.object({ type: z.literal('response'), id: z.number(), data: z.unknown() }),
  z.object({ type: z.literal('failure'), id: z.number(), error: signalError }),
  z.object({ type: z.literal('notification'), name: z.string(), data: z.unknown() }),
]);
export type SignalFromGateway = z.infer<typeof signalFromGateway>;
