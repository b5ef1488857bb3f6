/** What a profile allows inside a call: part of the profile schema. */
import { z } from 'zod';

export const callFeatureSchemas = {
  transfer: z
    .strictObject({
      refer: z
        .enum(['off', 'bridge', 'forward'])
        .default('off')
        .describe(
          'off: transfers by REFER or Replaces are refused; bridge: they are carried out by calling the target; forward: the same, and a party here is itself sent REFER when the other side transfers it',
        ),
    })
    .prefault({}),
  dtmf: z
    .enum(['auto', 'rfc4733', 'info', 'inband'])
    .default('auto')
    .describe(
      'how keys go to such a party and come from it: rfc4733: as RTP events; info: by INFO (application/dtmf-relay); inband: as tones in the audio; auto: as RTP events where they were negotiated, else as tones. By INFO they are taken at any time',
    ),
  ringback: z
    .enum(['none', 'at', 'au', 'cn', 'es', 'eu', 'fr', 'jp', 'uk', 'us'])
    .default('eu')
    .describe(
      'ringing tone that a caller hears when early media is over and another phone rings; before that its own phone makes one',
    ),
  mediaTimeoutSec: z
    .int()
    .min(0)
    .max(86_400)
    .default(60)
    .describe(
      'where media is rtp: a call ends when such a party has sent neither RTP nor RTCP for so long, having sent some before; 0: never. A muted phone still sends one of them; set 0 for peers that send neither while nobody speaks',
    ),
  mediaTimeoutOnHoldSec: z
    .int()
    .min(0)
    .max(86_400)
    .default(3600)
    .describe('the same while it is on hold, or has said by comfort noise that nobody speaks; 0: never'),
};
