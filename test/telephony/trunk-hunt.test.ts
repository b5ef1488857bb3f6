import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_HUNT,
  type Hunt,
  type HuntInput,
  type HuntOutput,
  type HuntPolicy,
  startHunt,
  stepHunt,
} from '../../src/telephony/trunk-hunt.ts';

/** Drives one hunt and keeps what it asks for. */
class Driven {
  hunt: Hunt;
  readonly outputs: HuntOutput[] = [];

  constructor(servers: number, moreFollow = false, policy: HuntPolicy = DEFAULT_HUNT) {
    const { hunt, outputs } = startHunt(policy, servers, moreFollow);
    this.hunt = hunt;
    this.outputs.push(...outputs);
  }

  feed(...inputs: readonly HuntInput[]): this {
    for (const input of inputs) {
      const { hunt, outputs } = stepHunt(this.hunt, input);
      this.hunt = hunt;
      this.outputs.push(...outputs);
    }
    return this;
  }

  of<Kind extends HuntOutput['kind']>(kind: Kind): Extract<HuntOutput, { kind: Kind }>[] {
    return this.outputs.filter((output): output is Extract<HuntOutput, { kind: Kind }> => output.kind === kind);
  }

  get invited(): readonly number[] {
    return this.of('invite').map(({ server }) => server);
  }

  get end(): readonly (number | 'answered')[] {
    return this.outputs
      .filter((output) => output.kind === 'failed' || output.kind === 'answered')
      .map((output) => (output.kind === 'failed' ? output.status : output.kind));
  }
}

const failed = (server: number, status: number): HuntInput => ({ kind: 'failed', server, status });
const rings = (server: number, status = 180, hasBody = false): HuntInput => ({
  kind: 'provisional',
  server,
  status,
  hasBody,
});

describe('B13 a hunt through the servers of a trunk', () => {
  it.each([408, 430, 500, 502, 503, 504])('goes on after %i', (status) => {
    expect(new Driven(2).feed(failed(0, status)).invited).toEqual([0, 1]);
  });

  it.each([
    300, 302, 400, 401, 403, 404, 407, 410, 480, 481, 484, 486, 487, 488, 501, 505, 513, 580, 600, 603, 604, 606,
  ])('ends with %i, which speaks of the number or of the call', (status) => {
    const driven = new Driven(3).feed(failed(0, status));
    expect([driven.invited, driven.end]).toEqual([[0], [status]]);
  });

  it.each([180, 183])('tries no other server after %i, whatever follows', (status) => {
    for (const last of [408, 500, 503, 486]) {
      const driven = new Driven(3).feed(rings(0, status), failed(0, last));
      expect([driven.invited, driven.end]).toEqual([[0], [last]]);
    }
  });

  it('goes on after 181 or 182, unless they bring early media: nothing has rung for sure', () => {
    expect(new Driven(2).feed(rings(0, 181), rings(0, 182), failed(0, 503)).invited).toEqual([0, 1]);
    expect(new Driven(2).feed(rings(0, 182, true), failed(0, 503)).invited).toEqual([0]);
  });

  it('gives up a silent server, and lets it go when it answers after all', () => {
    const driven = new Driven(2).feed({ kind: 'silent', server: 0 });
    expect(driven.of('cancel')).toEqual([{ kind: 'cancel', server: 0 }]);
    expect(driven.of('health')).toEqual([{ kind: 'health', server: 0, isThere: false }]);
    driven.feed({ kind: 'answered', server: 0 }, { kind: 'answered', server: 1 });
    expect(driven.of('release')).toEqual([{ kind: 'release', server: 0 }]);
    expect([driven.invited, driven.end]).toEqual([[0, 1], ['answered']]);
  });

  it('stops at the current server once a phone of one given up has rung', () => {
    const driven = new Driven(3).feed({ kind: 'silent', server: 0 }, rings(0), failed(1, 503));
    expect([driven.invited, driven.end]).toEqual([[0, 1], [503]]);
  });

  it('waits for the last server as long as the call does, unless another trunk follows', () => {
    expect(
      new Driven(2)
        .feed(failed(0, 503))
        .of('invite')
        .map(({ waitMs }) => waitMs),
    ).toEqual([6_000, undefined]);
    expect(new Driven(1, true).of('invite').map(({ waitMs }) => waitMs)).toEqual([6_000]);
    const driven = new Driven(1, true).feed({ kind: 'silent', server: 0 });
    expect(driven.end).toEqual([408]);
    expect(driven.feed({ kind: 'answered', server: 0 }).of('release')).toHaveLength(1);
  });

  it('gives the last server no more time than the others where the policy is brief', () => {
    const driven = new Driven(1, false, { ...DEFAULT_HUNT, tryTimeoutMs: 1_000, isBrief: true });
    expect(driven.of('invite').map(({ waitMs }) => waitMs)).toEqual([1_000]);
    expect(driven.feed({ kind: 'silent', server: 0 }).end).toEqual([408]);
    expect(driven.of('cancel')).toHaveLength(1);
  });

  it('called off, it cancels where it is and goes nowhere else', () => {
    const driven = new Driven(3).feed(failed(0, 503), { kind: 'cancel' }, { kind: 'cancel' }, failed(1, 503));
    expect(driven.of('cancel')).toEqual([{ kind: 'cancel', server: 1 }]);
    expect([driven.invited, driven.end]).toEqual([[0, 1], [503]]);
    expect(new Driven(2).feed({ kind: 'cancel' }, { kind: 'answered', server: 0 }).end).toEqual(['answered']);
  });

  it('blames whoever was not there and clears whoever said anything', () => {
    const health = (driven: Driven) => driven.of('health').map(({ server, isThere }) => `${server}:${isThere}`);
    expect(health(new Driven(3).feed(failed(0, 503), failed(1, 500), failed(2, 486)))).toEqual([
      '0:false',
      '1:true',
      '2:true',
    ]);
    expect(health(new Driven(1).feed(rings(0), failed(0, 503)))).toEqual(['0:true', '0:true']);
  });
});

/**
 * Servers as they are: each answers each INVITE with some progress, or none, and then with a word, or with silence.
 * A CANCEL stops the phone, if the 200 has not crossed it.
 */
interface Fate {
  readonly progress: readonly (181 | 182 | 180 | 183)[];
  readonly last: number | 'answers' | 'never';
}

const fate: fc.Arbitrary<Fate> = fc.record({
  progress: fc.array(fc.constantFrom(181, 182, 180, 183), { maxLength: 3 }),
  last: fc.oneof(
    fc.constantFrom(408, 486, 600, 603, 404, 480, 500, 503, 504, 501),
    fc.constant('answers' as const),
    fc.constant('never' as const),
  ),
});

it('B13 whatever the servers do and in whatever order it arrives: one phone rings at most, and one end is told', () => {
  fc.assert(
    fc.property(
      fc.array(fate, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      fc.boolean(),
      (fates, choices, moreFollow) => {
        const driven = new Driven(fates.length, moreFollow);
        const left = fates.map(({ progress, last }): (HuntInput | undefined)[] => [
          ...progress.map((status) => ({ kind: 'provisional', server: 0, status, hasBody: false }) as const),
          last === 'answers'
            ? { kind: 'answered', server: 0 }
            : last === 'never'
              ? undefined
              : { kind: 'failed', server: 0, status: last },
        ]);
        /** Phones that ring, or have been answered, without having been cancelled before they began to. */
        const heard: number[] = [];
        const spoken = new Set<number>();
        for (const choice of choices) {
          const server = driven.invited[choice % driven.invited.length] ?? 0;
          const isCancelled = driven.of('cancel').some((each) => each.server === server);
          const event = left[server]?.shift();
          const invitedBefore = driven.invited.length;
          if (event === undefined) {
            const { waitMs } = driven.of('invite').find((each) => each.server === server) ?? {};
            if (waitMs !== undefined) driven.feed({ kind: 'silent', server });
          } else {
            const rung =
              event.kind === 'answered' || (event.kind === 'provisional' && [180, 183].includes(event.status));
            if (rung && !isCancelled && !heard.includes(server)) heard.push(server);
            const isWord = event.kind === 'failed' && ![408, 430, 500, 502, 503, 504].includes(event.status);
            if (isWord && server === driven.hunt.current) spoken.add(server);
            driven.feed({ ...event, server } as HuntInput);
          }
          const isNew = driven.invited.length > invitedBefore;
          // No server is tried any more after a phone has rung or a word about the number was said.
          expect(isNew && (heard.length > 0 || spoken.size > 0)).toBe(false);
          // Whoever was given up is cancelled or has ended by itself: at most one INVITE is live.
          expect(heard.length).toBeLessThanOrEqual(1);
        }
        expect(driven.end.length).toBeLessThanOrEqual(1);
        expect(driven.of('answered').length + driven.of('release').length).toBeLessThanOrEqual(fates.length);
      },
    ),
    { numRuns: 2_000 },
  );
});
