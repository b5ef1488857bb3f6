/** Registering with a trunk on a virtual clock: the whole world is a table of what each server answers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHECK_MS,
  isRegistered,
  MAX_REFUSED_MS,
  type RegistrationInput,
  type RegistrationPolicy,
  type RegistrationState,
  type ServerChoice,
  startRegistration,
  stepRegistration,
} from '../../src/telephony/registration-step.ts';

const policy: RegistrationPolicy = { expiresSec: 600, retryMs: 5_000, maxRetryMs: 300_000, refusedRetryMs: 300_000 };

type Answer = Omit<Extract<RegistrationInput, { kind: 'reply' }>, 'kind' | 'now' | 'chance'>;
interface Sent {
  readonly at: number;
  readonly server: string;
  readonly expiresSec: number;
}

class World {
  now = 0;
  readonly sent: Sent[] = [];
  state: RegistrationState;
  servers: ServerChoice[];
  isEngineUp = true;
  chance = 0.5;
  readonly answers = new Map<string, Answer>();
  #dueAt: number | undefined = 0;

  constructor(keys: readonly string[], own: Partial<RegistrationPolicy> = {}) {
    this.state = startRegistration({ ...policy, ...own });
    this.servers = keys.map((key, rank) => ({ key, rank, isPromising: true }));
  }

  answer(server: string, status: number, more: Omit<Answer, 'status'> = {}): void {
    this.answers.set(server, { status, ...more });
  }

  get isRegistered(): boolean {
    return isRegistered(this.state, this.now);
  }

  get home(): string | undefined {
    return this.isRegistered ? this.state.binding?.server.key : undefined;
  }

  feed(
    input: RegistrationInput extends infer Each ? (Each extends unknown ? Omit<Each, 'now' | 'chance'> : never) : never,
  ): void {
    const step = stepRegistration(this.state, { ...input, now: this.now, chance: this.chance });
    this.state = step.state;
    for (const output of step.outputs) {
      if (output.kind === 'wait') {
        expect(output.ms).toBeGreaterThan(0);
        this.#dueAt = this.now + output.ms;
      } else {
        this.sent.push({ at: this.now, server: output.server, expiresSec: output.expiresSec });
        const answer = this.answers.get(output.server) ?? { status: 408 };
        if (answer.status !== 0) this.feed({ kind: 'reply', ...answer });
      }
    }
  }

  pass(ms: number): void {
    const end = this.now + ms;
    while (this.#dueAt !== undefined && this.#dueAt <= end) {
      this.now = Math.max(this.now, this.#dueAt);
      this.#dueAt = undefined;
      this.feed({ kind: 'due', servers: this.servers, isEngineUp: this.isEngineUp });
    }
    this.now = end;
  }
}

describe('a registration with a trunk', () => {
  it('is refreshed before it expires, as long as it is granted', () => {
    const world = new World(['a']);
    world.answer('a', 200, { expiresSec: 120 });
    for (let passed = 0; passed < 3_600; passed += 1) {
      world.pass(1_000);
      expect(world.isRegistered).toBe(true);
    }
    expect(world.sent.length).toBeGreaterThan(3_600 / 120);
    expect(world.sent.length).toBeLessThan((3_600 / 120) * 2);
  });

  it('asks for as much as the registrar wants (423), and keeps to it', () => {
    const world = new World(['a']);
    world.answer('a', 423, { minExpiresSec: 1_800 });
    world.answers.set('a', { status: 423, minExpiresSec: 1_800 });
    world.pass(1);
    expect(world.sent.map(({ expiresSec }) => expiresSec)).toEqual([600, 1_800]);
    world.answer('a', 200, {});
    world.pass(MAX_REFUSED_MS);
    expect(world.sent.at(-1)?.expiresSec).toBe(1_800);
  });

  it('goes on to the next server when one is silent, gone or overloaded, and comes back when it is there again', () => {
    for (const status of [408, 503, 500, 430]) {
      const world = new World(['a', 'b', 'c']);
      world.answer('a', status);
      world.answer('b', 200, { expiresSec: 600 });
      world.pass(1);
      expect([world.home, world.sent.map(({ server }) => server).join('')]).toEqual(['b', 'ab']);
      // It is known to be down now, so it comes last until it is seen again.
      const [a, b, c] = world.servers;
      if (a === undefined || b === undefined || c === undefined) throw new Error('three servers');
      world.servers = [b, c, { ...a, isPromising: false }];
      world.answer('a', 200, { expiresSec: 600 });
      world.pass(60_000);
      expect(world.home).toBe('b');
      world.servers = [a, b, c];
      world.pass(2 * CHECK_MS);
      expect(world.home).toBe('a');
    }
  });

  it('leaves a server that goes down at once, without waiting for the time to refresh', () => {
    const world = new World(['a', 'b']);
    world.answer('a', 200, { expiresSec: 3_600 });
    world.answer('b', 200, { expiresSec: 3_600 });
    world.pass(5_000);
    expect(world.home).toBe('a');
    const [a, b] = world.servers;
    if (a === undefined || b === undefined) throw new Error('two servers');
    world.servers = [b, { ...a, isPromising: false }];
    world.pass(CHECK_MS);
    expect(world.home).toBe('b');
  });

  it('stays where it is among equals, whatever order chance gives them', () => {
    const world = new World(['a', 'b']);
    world.servers = world.servers.map((server) => ({ ...server, rank: 1 }));
    world.answer('a', 200, { expiresSec: 100 });
    world.answer('b', 200, { expiresSec: 100 });
    world.pass(1);
    world.servers.reverse();
    world.pass(1_000_000);
    expect(new Set(world.sent.map(({ server }) => server))).toEqual(new Set(['a']));
  });

  it('keeps a good binding when coming back fails, and does not try that at every look', () => {
    const world = new World(['a', 'b']);
    world.answer('b', 200, { expiresSec: 3_600 });
    world.pass(1);
    expect(world.home).toBe('b');
    world.answer('a', 403);
    world.pass(200_000);
    expect(world.home).toBe('b');
    expect(world.sent.length).toBeLessThan(12);
  });

  it('is asked for slowly after a refusal, and less and less after silence', () => {
    const refused = new World(['a', 'b']);
    refused.answer('a', 403);
    refused.pass(3_600_000);
    expect(refused.state.isRefused).toBe(true);
    // A refusal is an answer: the next server is not asked instead.
    expect(new Set(refused.sent.map(({ server }) => server))).toEqual(new Set(['a']));
    expect(refused.sent.length).toBeLessThanOrEqual(6);
    const silent = new World(['a']);
    silent.pass(3_600_000);
    const gaps = silent.sent.map(({ at }, index) => at - (silent.sent[index - 1]?.at ?? at)).slice(1);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(policy.maxRetryMs);
    expect(gaps[0]).toBeLessThan(gaps[5] ?? 0);
  });

  it('honours Retry-After, waits while there is no engine, and registers anew behind another one', () => {
    const world = new World(['a']);
    world.answer('a', 503, { retryAfterMs: 120_000 });
    world.pass(119_000);
    expect(world.sent).toHaveLength(1);
    world.isEngineUp = false;
    world.answer('a', 200, { expiresSec: 3_600 });
    world.pass(60_000);
    expect(world.sent).toHaveLength(1);
    world.isEngineUp = true;
    world.pass(2_000);
    expect(world.sent).toHaveLength(2);
    world.feed({ kind: 'renew' });
    world.pass(2_000);
    expect(world.sent).toHaveLength(3);
  });

  it('is taken back at the end: where it lives, or where it was just being asked for', () => {
    const world = new World(['a']);
    world.answer('a', 200, { expiresSec: 600 });
    world.pass(1);
    world.feed({ kind: 'stop' });
    expect(world.sent.at(-1)).toMatchObject({ server: 'a', expiresSec: 0 });
    world.pass(10_000_000);
    expect(world.sent).toHaveLength(2);
    const asking = new World(['a']);
    asking.answer('a', 0);
    asking.pass(1);
    asking.feed({ kind: 'stop' });
    expect(asking.sent).toHaveLength(1);
    asking.answer('a', 200);
    asking.feed({ kind: 'reply', status: 200, expiresSec: 600 });
    expect(asking.sent.at(-1)).toMatchObject({ server: 'a', expiresSec: 0 });
  });

  it('never sends in a burst and never stops trying, whatever the servers say', () => {
    const status = fc.constantFrom(200, 401, 403, 404, 408, 423, 486, 500, 503, 603);
    const answer = fc.record({ status, expiresSec: fc.integer({ min: 0, max: 100_000 }), minExpiresSec: fc.nat() });
    fc.assert(
      fc.property(
        fc.array(answer, { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (script, chance) => {
          const world = new World(['a', 'b', 'c']);
          world.chance = chance;
          for (const each of script) {
            for (const key of ['a', 'b', 'c']) world.answers.set(key, each);
            const before = world.sent.length;
            world.pass(60_000);
            // Three servers, each asked twice at most for 423, in the shortest of waits.
            expect(world.sent.length - before).toBeLessThanOrEqual(6 * (60_000 / 2_500));
          }
          for (const key of ['a', 'b', 'c']) world.answer(key, 200, { expiresSec: 600 });
          world.pass(MAX_REFUSED_MS + 700_000);
          expect(world.isRegistered).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
