/**
 * The fuzz command: a million mutated messages over each transport against the engine, and a million packets at the ports
 * of calls.
 *
 *   npm run fuzz [-- --transport udp|tcp|ws|media --seed 7 --count 1000000 --first 0]
 */
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import { runMediaCampaign } from './media-campaign.ts';
import type { FuzzTransport } from './senders.ts';

const TRANSPORTS: readonly FuzzTransport[] = ['udp', 'tcp', 'ws'];

const { values } = parseArgs({
  options: {
    transport: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() >>> 0) },
    count: { type: 'string', default: '1000000' },
    first: { type: 'string', default: '0' },
  },
});
const seed = Number(values.seed) >>> 0;
const chosen = TRANSPORTS.filter((one) => values.transport === undefined || values.transport === one);
const hasMedia = values.transport === undefined || values.transport === 'media';
if (chosen.length === 0 && !hasMedia) throw new Error(`--transport takes ${TRANSPORTS.join(', ')} or media`);

console.log(`seed ${seed}`);
let hasFailed = false;
for (const transport of chosen) {
  const campaign = { transport, seed, first: Number(values.first), count: Number(values.count) };
  try {
    const result = await runCampaign({ ...campaign, log: (line) => console.log(line) });
    console.log(`${transport}: ok ${JSON.stringify(result)}`);
  } catch (error) {
    hasFailed = true;
    console.error(error instanceof Error ? error.message : error);
  }
}
if (hasMedia) {
  try {
    const result = await runMediaCampaign({ seed, count: Number(values.count), log: (line) => console.log(line) });
    console.log(`media: ok ${JSON.stringify(result)}`);
  } catch (error) {
    hasFailed = true;
    console.error(error instanceof Error ? error.message : error);
  }
}
process.exit(hasFailed ? 1 : 0);
