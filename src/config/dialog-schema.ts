/** What a profile says about dialogs: reliable provisional responses and session timers. */
import { z } from 'zod';

export const reliableProvisionalSchema = z
  .enum(['off', 'supported', 'required'])
  .default('supported')
  .describe(
    'acknowledged ringing and early media (RFC 3262): supported with who knows it, required refuses who does not with 421',
  );

export const sessionTimerSchema = z
  .strictObject({
    expiresSec: z.int().min(90).max(86400).default(1800).describe('the interval we ask for, and the longest we accept'),
    minSec: z.int().min(90).max(86400).default(90).describe('shorter is answered 422 Session Interval Too Small'),
    refresher: z
      .enum(['us', 'peer', 'auto'])
      .default('auto')
      .describe('who refreshes when the peer leaves it open; auto: the peer if it can'),
  })
  .refine(({ expiresSec, minSec }) => minSec <= expiresSec, {
    path: ['minSec'],
    error: 'must not be longer than expiresSec',
  })
  .optional()
  .describe('refresh of long calls (RFC 4028); without it we ask for none and follow what the peer asks for');
