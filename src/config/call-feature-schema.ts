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
    .enum(['rfc4733', 'info'])
    .default('rfc4733')
    .describe('how digits that came by INFO go on: as RTP events, or by INFO where no RTP events were negotiated'),
};
