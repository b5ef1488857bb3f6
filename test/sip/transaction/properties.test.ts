import { array, assert, boolean, constantFrom, oneof, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createInviteClient,
  createInviteServer,
  createNonInviteClient,
  createNonInviteServer,
  DEFAULT_TIMERS,
  stepInviteClient,
  stepInviteServer,
  stepNonInviteClient,
  stepNonInviteServer,
} from '../../../src/sip/transaction/index.ts';
import { Machine, response } from './run.ts';

const status = constantFrom(100, 180, 183, 200, 202, 302, 401, 486, 500, 603);
const heard = status.map((code) => ({ kind: 'response', response: response(code) }) as const);
const respond = status.map((code) => ({ kind: 'respond', status: code }) as const);
const timers = <Name extends string>(...names: Name[]) =>
  constantFrom(...names).map((timer) => ({ kind: 'timer', timer }) as const);
const just = <Kind extends string>(...kinds: Kind[]) => constantFrom(...kinds).map((kind) => ({ kind }) as const);

const inviteClientInput = oneof(
  heard,
  timers('A', 'B', 'C', 'D', 'M', 'cancel'),
  just('start', 'canceled', 'transport-error'),
);
const nonInviteClientInput = oneof(heard, timers('E', 'F', 'K'), just('start', 'transport-error'));
const inviteServerInput = oneof(respond, timers('G', 'H', 'I', 'L'), just('request', 'ack', 'abandon'));
const nonInviteServerInput = oneof(respond, timers('J'), just('request', 'abandon'));

/** All four with arbitrary inputs, as functions from a run to what each input put out and the phase after it. */
const runs = boolean().chain((reliable) =>
  oneof(
    array(inviteClientInput, { maxLength: 30 }).map((inputs) => {
      const machine = new Machine(createInviteClient(reliable, DEFAULT_TIMERS), stepInviteClient);
      return inputs.map((input) => ({ input, outputs: machine.put(input), phase: machine.phase }));
    }),
    array(nonInviteClientInput, { maxLength: 30 }).map((inputs) => {
      const machine = new Machine(createNonInviteClient(reliable, DEFAULT_TIMERS), stepNonInviteClient);
      return inputs.map((input) => ({ input, outputs: machine.put(input), phase: machine.phase }));
    }),
    array(inviteServerInput, { maxLength: 30 }).map((inputs) => {
      const machine = new Machine(createInviteServer(reliable, DEFAULT_TIMERS), stepInviteServer);
      return inputs.map((input) => ({ input, outputs: machine.put(input), phase: machine.phase }));
    }),
    array(nonInviteServerInput, { maxLength: 30 }).map((inputs) => {
      const machine = new Machine(createNonInviteServer(reliable), stepNonInviteServer);
      return inputs.map((input) => ({ input, outputs: machine.put(input), phase: machine.phase }));
    }),
  ),
);

describe('any transaction under any inputs', () => {
  test('puts nothing out after it terminated, and clears its timers when it does', () => {
    assert(
      property(runs, (steps) => {
        const end = steps.findIndex((step) => step.phase === 'terminated');
        if (end < 0) return;
        expect(steps[end]?.outputs).toContain('clear-timers');
        expect(steps[end]?.outputs.some((output) => output.startsWith('set-timer'))).toBe(false);
        expect(steps.slice(end + 1).flatMap((step) => step.outputs)).toEqual([]);
      }),
    );
  });

  test('a client delivers at most one final response below or above 2xx, and never both a final and a failure', () => {
    const isFinal = (output: string): boolean => /^deliver [3-6]/.test(output) || output.startsWith('failed');
    assert(
      property(runs, (steps) => {
        const outputs = steps.flatMap((step) => step.outputs);
        expect(outputs.filter(isFinal).length).toBeLessThanOrEqual(1);
        const success = outputs.findIndex((output) => output.startsWith('deliver 2'));
        expect(success >= 0 && outputs.slice(success).some(isFinal)).toBe(false);
      }),
    );
  });

  test('a non-INVITE client delivers one final response at most', () => {
    assert(
      property(boolean(), array(nonInviteClientInput, { maxLength: 30 }), (reliable, inputs) => {
        const machine = new Machine(createNonInviteClient(reliable, DEFAULT_TIMERS), stepNonInviteClient);
        const finals = inputs.flatMap((input) => machine.put(input)).filter((output) => /^deliver [2-6]/.test(output));
        expect(finals.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('over a reliable transport no timer sends anything', () => {
    assert(
      property(
        array(inviteClientInput, { maxLength: 30 }),
        array(inviteServerInput, { maxLength: 30 }),
        (toClient, toServer) => {
          const client = new Machine(createInviteClient(true, DEFAULT_TIMERS), stepInviteClient);
          const server = new Machine(createInviteServer(true, DEFAULT_TIMERS), stepInviteServer);
          const byTimer = [
            ...toClient.flatMap((input) => ({ isTimer: input.kind === 'timer', outputs: client.put(input) })),
            ...toServer.flatMap((input) => ({ isTimer: input.kind === 'timer', outputs: server.put(input) })),
          ].filter(({ isTimer }) => isTimer);
          const sends = byTimer
            .flatMap(({ outputs }) => outputs)
            .filter((output) => output === 'send' || output === 'resend');
          expect(sends).toEqual([]);
        },
      ),
    );
  });
});
