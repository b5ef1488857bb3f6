import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Outbox, type OutboxEntry } from '../../../src/sip/wire/outbox.ts';

/** A hand-turned event loop and a socket that flushes when told. */
class Loop {
  readonly writes: string[] = [];
  readonly unflushed: (() => void)[] = [];
  #turns: (() => void)[] = [];
  #settling: (() => void)[] = [];

  write(data: Buffer, flushed: () => void): void {
    this.writes.push(data.toString());
    this.unflushed.push(flushed);
  }

  defer(turn: () => void): void {
    this.#turns.push(turn);
  }

  settle(settled: () => void): void {
    this.#settling.push(settled);
  }

  /** Lets the time pass that an application needs. */
  wait(): void {
    for (const settled of this.#settling.splice(0)) settled();
  }

  turn(): void {
    const turns = this.#turns;
    this.#turns = [];
    for (const run of turns) run();
  }

  flushAll(): void {
    for (const flushed of this.unflushed.splice(0)) flushed();
  }

  get isIdle(): boolean {
    return this.#turns.length === 0 && this.#settling.length === 0 && this.unflushed.length === 0;
  }
}

const entry = (text: string, echoOf = '', after = ''): OutboxEntry => ({ frame: Buffer.from(text), echoOf, after });

describe('outbox', () => {
  test('frames of one turn leave in one write', () => {
    const loop = new Loop();
    const outbox = new Outbox(loop);
    outbox.push(entry('a'));
    outbox.push(entry('b'));
    expect(loop.writes).toEqual([]);
    loop.turn();
    outbox.push(entry('c'));
    loop.turn();
    expect(loop.writes).toEqual(['ab', 'c']);
  });

  test('a message of the echoed transaction waits until the echo was flushed and read, and holds back what follows', () => {
    const loop = new Loop();
    const outbox = new Outbox(loop);
    outbox.push(entry('echo', 't1'));
    outbox.push(entry('200', '', 't1'));
    outbox.push(entry('later'));
    expect(outbox.heldBytes).toBe(8);
    loop.turn();
    loop.wait();
    loop.turn();
    expect(loop.writes).toEqual(['echo']); // not flushed yet
    loop.flushAll();
    loop.turn();
    expect(loop.writes).toEqual(['echo']);
    loop.wait();
    loop.turn();
    expect(loop.writes).toEqual(['echo', '200later']);
    expect(outbox.heldBytes).toBe(0);
  });

  test('other transactions do not wait', () => {
    const loop = new Loop();
    const outbox = new Outbox(loop);
    outbox.push(entry('echo1', 't1'));
    outbox.push(entry('200', '', 't2'));
    loop.turn();
    expect(loop.writes).toEqual(['echo1200']);
  });

  test("'all' waits for every echo", () => {
    const loop = new Loop();
    const outbox = new Outbox(loop);
    outbox.push(entry('e1', 't1'));
    outbox.push(entry('bye', '', 'all'));
    loop.turn();
    expect(loop.writes).toEqual(['e1']);
    loop.flushAll();
    loop.wait();
    loop.turn();
    expect(loop.writes).toEqual(['e1', 'bye']);
  });

  test('order is kept, nothing is lost, and no write has an echo together with a message of its transaction', () => {
    const entries = fc.array(
      fc.record({
        transaction: fc.integer({ min: 1, max: 3 }),
        kind: fc.constantFrom('echo', 'about', 'plain'),
        turns: fc.nat(2),
        flush: fc.boolean(),
        wait: fc.boolean(),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(entries, (steps) => {
        const loop = new Loop();
        const outbox = new Outbox(loop);
        const sent: string[] = [];
        for (const [index, step] of steps.entries()) {
          const id = `t${step.transaction}`;
          const text = `${step.kind}:${id}:${index};`;
          sent.push(text);
          outbox.push(entry(text, step.kind === 'echo' ? id : '', step.kind === 'about' ? id : ''));
          if (step.flush) loop.flushAll();
          if (step.wait) loop.wait();
          for (let turn = 0; turn < step.turns; turn += 1) loop.turn();
        }
        while (!loop.isIdle) {
          loop.flushAll();
          loop.wait();
          loop.turn();
        }
        expect(loop.writes.join('')).toBe(sent.join(''));
        for (const write of loop.writes) {
          for (const id of ['t1', 't2', 't3']) expect(write).not.toMatch(new RegExp(`echo:${id}:.*about:${id}:`));
        }
      }),
    );
  });
});
