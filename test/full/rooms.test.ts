import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Chromium } from '../support/chromium.ts';
import { CuttableProxy } from '../support/cuttable-proxy.ts';
import { Gateway } from '../support/gateway.ts';
import { RoomPage } from '../support/room-page.ts';
import { amplitudeOf, excerpt, longestGapMs } from '../support/sound.ts';
import { until } from '../support/until.ts';

const TONES = { alice: 600, bob: 1000, carol: 1700 } as const;
type Name = keyof typeof TONES;

let gateway: Gateway;
let chromium: Chromium;
let pages: Record<Name, RoomPage>;
let proxy: CuttableProxy;

beforeAll(async () => {
  // One participant on each core, as far as there are cores: what is heard went through a pipe.
  const settings = { rooms: { participantsPerRouter: 1 }, media: { workers: 2 } };
  [gateway, chromium] = await Promise.all([Gateway.start({ base: 27_400, settings }), Chromium.launch()]);
  proxy = await CuttableProxy.open(gateway.httpPort);
  const open = (user: Name, origin = gateway.origin) => RoomPage.open(chromium, gateway, { user, origin });
  // The way of alice's signaling can be cut; her media does not go there.
  const [alice, bob, carol] = await Promise.all([open('alice', proxy.origin), open('bob'), open('carol')]);
  pages = { alice, bob, carol };
});

afterAll(async () => {
  await chromium?.close();
  await proxy?.close();
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
    const names = ['alice', 'bob', 'carol'] as const;
    const pairs = names.flatMap((listener) =>
      names.filter((each) => each !== listener).map((each) => [listener, each] as const),
    );
    const heard = await Promise.all(pairs.map(([listener, speaker]) => tonesOf(listener, speaker)));
    expect(heard).toEqual(pairs.map(([, speaker]) => [TONES[speaker]]));
    expect((await pages.alice.streams('outbound-rtp', 'audio')).length).toBe(1);
    expect(await pages.alice.events('problem')).toEqual([]);
  });

  test('S03 a thousand messages over a data channel arrive in order', async () => {
    await pages.bob.call('openChannel', 'chat');
    await until(async () => (await pages.alice.events('channel')).length > 0, { within: 10_000, what: 'the channel' });
    await pages.bob.sendMany('chat', 1000);
    await until(async () => (await pages.alice.data()).length === 1000, { within: 15_000, what: '1000 messages' });
    expect((await pages.alice.data()).map(({ data }) => Number(data))).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
  });

  test('who speaks is told, with levels', async () => {
    await until(async () => (await pages.carol.events('levels')).some(({ data }) => (data as unknown[]).length >= 2), {
      within: 10_000,
      what: 'levels of two speakers',
    });
    await until(() => pages.carol.activeSpeaker(), {
      within: 10_000,
      what: 'an active speaker',
    });
  });

  test('a moderator holds a microphone, and only its owner opens it again', async () => {
    const microphone = await publicationOf('alice', 'bob', 'microphone');
    const view = async (): Promise<{ isMuted: boolean; isHeld: boolean } | undefined> =>
      (await pages.bob.room()).participants
        .flatMap(({ publications }) => publications)
        .find(({ publicationId }) => publicationId === microphone);
    await pages.alice.call('hold', microphone, true);
    await until(async () => (await view())?.isHeld, { within: 5_000, what: 'bob to see it held' });
    await expect(pages.bob.call('mute', 'microphone', false)).rejects.toThrow('HELD');
    const silent = excerpt(await pages.alice.hear(microphone, 1), 0.6, 1);
    expect(amplitudeOf(silent, TONES.bob)).toBeLessThan(0.01);
    await pages.alice.call('hold', microphone, false);
    await until(async () => (await view())?.isHeld === false, { within: 5_000, what: 'bob to see it let go' });
    expect((await view())?.isMuted).toBe(true);
    await pages.bob.call('mute', 'microphone', false);
    expect(await tonesOf('alice', 'bob')).toEqual([TONES.bob]);
  });

  test('S16 S17 a cut connection is resumed, and nothing of the media is lost', async () => {
    const microphone = await publicationOf('alice', 'bob', 'microphone');
    const self = await pages.alice.participantId();
    const hearing = pages.alice.hear(microphone, 4);
    await pages.alice.page.waitForTimeout(1000);
    proxy.cut();
    const back = await until(
      async () => {
        const states = await pages.alice.events('state');
        const lost = states.find(({ data }) => (data as { kind: string }).kind === 'reconnecting');
        const again = states.find(
          ({ at, data }) => lost && at > lost.at && (data as { kind: string }).kind === 'connected',
        );
        return lost && again && again.at - lost.at;
      },
      { within: 10_000, what: 'alice to be connected again' },
    );
    expect(back).toBeLessThan(2000);
    expect(await pages.alice.participantId()).toBe(self);
    expect(longestGapMs(excerpt(await hearing, 0.5, 4), TONES.bob)).toBeLessThan(100);
    expect(await gateway.metric('viaduct_rooms_signaling_sessions_resumed_total')).toBe(1);
    expect(await pages.alice.events('problem')).toEqual([]);
  });

  test('S21 a killed gateway: everybody is back by themselves, and heard', async () => {
    await gateway.kill();
    await gateway.restart();
    for (const name of ['alice', 'bob', 'carol'] as const)
      await until(async () => (await pages[name].state()) === 'connected', {
        within: 20_000,
        what: `${name} to be back`,
      });
    expect(await tonesOf('alice', 'bob')).toEqual([TONES.bob]);
    expect(await tonesOf('carol', 'alice')).toEqual([TONES.alice]);
    expect((await pages.alice.room()).participants.map(({ subject }) => subject).toSorted()).toEqual([
      'alice',
      'bob',
      'carol',
    ]);
  });

  test('a moderator removes somebody, who is told why and does not come back', async () => {
    await pages.alice.call('remove', await pages.carol.participantId());
    await until(async () => (await pages.carol.state()) === 'ended', { within: 5_000, what: 'carol to be out' });
    expect((await pages.carol.events('state')).at(-1)?.data).toMatchObject({
      kind: 'ended',
      reason: { code: 'removed' },
    });
    await until(async () => (await pages.bob.room()).participants.length === 2, {
      within: 5_000,
      what: 'bob to see it',
    });
  });

  test('nothing is left of a room that all have left', async () => {
    await pages.alice.call('leave');
    await pages.bob.call('leave');
    const gauges = [
      'signaling_sessions',
      'signaling_rooms',
      'media_rooms',
      'media_transports',
      'media_publications',
      'media_subscriptions',
    ];
    await until(
      async () => {
        const metrics = await gateway.metrics();
        return gauges.every((name) => metrics.get(`viaduct_rooms_${name}`) === 0);
      },
      { within: 10_000, what: 'everything to be closed' },
    );
  });
});
