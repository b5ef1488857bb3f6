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
};
