/** T3: so many mutated messages over one transport, and what must hold meanwhile. */
import { Chance } from './chance.ts';
import { mutated } from './mutate.ts';
import { type FuzzTransport, openSender, type Sender } from './senders.ts';
import { FuzzTarget, type TargetState } from './target.ts';

export interface Campaign {
  readonly transport: FuzzTransport;
  readonly seed: number;
  /** The first message's number, and how many follow. */
  readonly first: number;
  readonly count: number;
  readonly log: (line: string) => void;
}

export interface CampaignResult {
  readonly sent: number;
  readonly seconds: number;
  /** The longest the engine's thread was late by its own doing, in milliseconds. */
  readonly worstStallMs: number;
  /** How much the engine's heap, and the process, have grown since the first tenth; in bytes. */
  readonly heapGrowth: number;
  readonly rssGrowth: number;
}

/** As many as fit into the system's receive buffer. */
const BATCH = 200;
const LOOKS = 10;
const STALL_MS = 50;
const HEAP_GROWTH = 24 * 1024 * 1024;
const RSS_GROWTH = 256 * 1024 * 1024;

/** Rejects with what failed and how to have it again. */
export async function runCampaign(campaign: Campaign): Promise<CampaignResult> {
  const target = await FuzzTarget.start();
  const sender = openSender(campaign.transport, target.portOf(campaign.transport));
  try {
    return await run(campaign, target, sender);
  } finally {
    sender.close();
    await target.close();
  }
}

async function run(campaign: Campaign, target: FuzzTarget, sender: Sender): Promise<CampaignResult> {
  const { transport, first, count, log } = campaign;
  const startedAt = performance.now();
  await warmUp(campaign, sender);
  let base: TargetState | undefined;
  let worstStallMs = 0;
  let [heapGrowth, rssGrowth] = [0, 0];
  for (let sent = 0; sent < count; ) {
    const end = Math.min(count, sent + Math.max(BATCH, Math.ceil(count / LOOKS)));
    while (sent < end) {
      const batch = Math.min(BATCH, end - sent);
      await sendBatch(campaign, sender, first + sent, batch);
      sent += batch;
      if (!(await sender.isAlive())) {
        const counters = JSON.stringify(await target.server.counters());
        fail(campaign, first + sent - batch, `the engine does not answer any more: ${counters}`);
      }
      if (target.failure !== undefined) fail(campaign, first + sent - batch, target.failure);
    }
    const state = await target.state();
    worstStallMs = Math.max(worstStallMs, state.counters.worstStallMs);
    if (worstStallMs > STALL_MS)
      fail(campaign, first + sent, `the engine stood still for ${worstStallMs.toFixed(0)} ms`);
    base ??= state;
    heapGrowth = state.heapBytes - base.heapBytes;
    rssGrowth = state.rssBytes - base.rssBytes;
    const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
    log(
      `${transport}: ${sent} sent, heap ${megabytes(state.heapBytes)} MB, RSS ${megabytes(state.rssBytes)} MB, ` +
        `worst stall ${worstStallMs.toFixed(1)} ms, ${JSON.stringify(state.counters.engine)}`,
    );
  }
  if (heapGrowth > HEAP_GROWTH) fail(campaign, first + count, `the engine's heap has grown by ${heapGrowth} bytes`);
  if (rssGrowth > RSS_GROWTH) fail(campaign, first + count, `the process has grown by ${rssGrowth} bytes`);
  return { sent: count, seconds: (performance.now() - startedAt) / 1000, worstStallMs, heapGrowth, rssGrowth };
}

/** The first messages run on code that is not compiled yet. */
async function warmUp(campaign: Campaign, sender: Sender): Promise<void> {
  for (let round = 0; round < 10; round++) {
    await sendBatch({ ...campaign, seed: campaign.seed ^ 0x5555 }, sender, round * BATCH, BATCH);
    await sender.isAlive();
  }
}

async function sendBatch({ transport, seed }: Campaign, sender: Sender, from: number, count: number): Promise<void> {
  for (let index = from; index < from + count; index++) {
    const chance = new Chance(seed, transport, index);
    await sender.send(mutated(chance, transport, index), chance);
  }
}

function fail({ transport, seed }: Campaign, near: number, what: string): never {
  throw new Error(
    `${transport}: ${what}\nagain: npm run fuzz -- --transport ${transport} --seed ${seed} --first ${near} --count ${BATCH}`,
  );
}
