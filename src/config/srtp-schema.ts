/** SDES-SRTP (RFC 4568) with the peers of a profile: part of the profile schema. */
import { z } from 'zod';

export const srtpSchemas = {
  srtp: z
    .enum(['refused', 'optional', 'required'])
    .default('optional')
    .describe(
      'SRTP with keys in the SDP, where media is rtp: refused; optional: where the peer can, offered as RTP/AVP with a=crypto (RFC 8643); required: offered as RTP/SAVP, and calls without it are refused',
    ),
  srtpKeysInClear: z
    .boolean()
    .default(false)
    .describe('send SRTP keys over UDP and TCP, too, where everybody on the way can read them; else over TLS only'),
};
