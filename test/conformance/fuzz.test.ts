/** T3, the slice that fits into every run: `npm run fuzz` sends a million over each transport. */
import { describe, expect, it } from 'vitest';
import { runCampaign } from '../fuzz/campaign.ts';

const MESSAGES = 5_000;

describe('T3: mutated messages', () => {
  it.each(['udp', 'tcp', 'ws'] as const)(
    'over %s: the engine answers on, never stands still and keeps nothing',
    async (transport) => {
      const result = await runCampaign({ transport, seed: 20_261_125, first: 0, count: MESSAGES, log: () => {} });
      expect(result.sent).toBe(MESSAGES);
    },
  );
});
