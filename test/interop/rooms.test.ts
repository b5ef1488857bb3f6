import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium } from '../support/chromium.ts';
import { Gateway } from '../support/gateway.ts';
import { RoomPage } from '../support/room-page.ts';
import { amplitudeOf, excerpt } from '../support/sound.ts';
import { until } from '../support/until.ts';

const TONES = { alice: 600, bob: 1000, carol: 1700 } as const;
type Name = keyof typeof TONES;

let gateway: Gateway;
let chromium: Chromium;
let pages: Record<Name, RoomPage>;

beforeAll(async () => {
  // One participant on each core, as far as there are cores: what is heard went through a pipe.
  const settings = { rooms: { participantsPerRouter: 1 }, media: { workers: 2 } };
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 27_400, settings }), Chromium.launch()]);
  const open = (user: Name): Promise<RoomPage> => RoomPage.open(chromium, gateway, { user });
  const [alice, bob, carol] = await Promise.all([open('alice'), open('bob'), open('carol')]);
  pages = { alice, bob, carol };
});

afterAll(async () => {
  await chromium?.close();
  await gateway?.stop();
});

const publicationOf = (listener: Name, speaker: string, source: string): Promise<string> =>
  until(() => pages[listener].publicationOf(speaker, source), {
    within: 10_000,
    what: `${listener} to see the ${source} of ${speaker}`,
  });

/** Which tones are in what `listener` gets of `speaker`. */
async function tonesOf(listener: Name, speaker: Name): Promise<readonly number[]> {
  const publicationId = await publicationOf(listener, speaker, 'microphone');
  await until(() => pages[listener].page.evaluate((id) => document.querySelector(`#p-${id}`) !== null, publicationId), {
    within: 10_000,
    what: `${listener} to get a track of ${speaker}`,
  });
  const heard = excerpt(await pages[listener].hear(publicationId, 1.2), 0.4, 1.2);
  return Object.values(TONES).filter((hz) => amplitudeOf(heard, hz) > 0.02);
}

declare const document: { querySelector(selector: string): unknown };

describe('a room', () => {
  test('S03 S35 three participants hear each other, each their own tone', async () => {
    for (const [name, page] of Object.entries(pages)) {
      await page.join('blue');
      await page.speak(TONES[name as Name]);
    }
    for (const listener of ['alice', 'bob', 'carol'] as const) {
      for (const speaker of ['alice', 'bob', 'carol'] as const) {
        if (listener !== speaker) expect(await tonesOf(listener, speaker)).toEqual([TONES[speaker]]);
      }
    }
    expect((await pages.alice.streams('outbound-rtp', 'audio')).length).toBe(1);
    expect(await pages.alice.events('problem')).toEqual([]);
  });
});
