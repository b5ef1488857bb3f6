/** T5, the slice that fits into every run: `npm run fuzz` sends millions. */
import { expect, it } from 'vitest';
import { runMediaCampaign } from '../fuzz/media-campaign.ts';

const PACKETS = 20_000;

it('T5: fuzzed RTP, RTCP, SRTP, STUN and DTLS kill no call and fill no memory', async () => {
  const result = await runMediaCampaign({ seed: 20_261_125, count: PACKETS, log: () => {} });
  expect(result.sent).toBe(PACKETS);
});
