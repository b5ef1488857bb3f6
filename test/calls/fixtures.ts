import type { Call, CallInput, CallOutput, Fallback, Leg, Stage } from '../../src/calls/index.ts';
import { startCall, step } from '../../src/calls/index.ts';
import { DEFAULT_FALLBACK, type FallbackCause } from '../../src/dialplan/index.ts';
import type { CallId, LegId, PortId } from '../../src/kernel/index.ts';

export function leg(name: string): Leg {
  return { legId: name as LegId, portId: `port-${name}` as PortId, kind: 'sip', party: `sip:${name}@example.net` };
}

export function stage(names: readonly string[], on: readonly FallbackCause[] = DEFAULT_FALLBACK): Stage {
  return { branches: names.map(leg), ringMs: 60_000, on, unreachable: 480, spares: undefined };
}

export const CALLER = leg('a');

/** Drives one Call and keeps everything that came out. */
export class Driven {
  call: Call;
  readonly outputs: CallOutput[] = [];
  #now = 1_000;

  constructor() {
    const first = startCall(
      {
        callId: 'call-1' as CallId,
        from: 'sip:a@example.net',
        to: 'sip:b@example.net',
        trunk: undefined,
        tenant: 'default',
        user: undefined,
        source: 'udp:192.0.2.1:5060',
        inbound: { ...CALLER, sipCallId: 'sip-1' },
      },
      this.#now,
    );
    this.call = first.call;
    this.outputs.push(...first.outputs);
  }

  /** The outputs of this input alone. */
  feed(input: CallInput): readonly CallOutput[] {
    this.#now += 10;
    const next = step(this.call, input, this.#now);
    this.call = next.call;
    this.outputs.push(...next.outputs);
    return next.outputs;
  }

  route(...names: string[]): readonly CallOutput[] {
    return this.hunt(stage(names));
  }

  hunt(...stages: Stage[]): readonly CallOutput[] {
    return this.huntOr([], ...stages);
  }

  huntOr(fallbacks: readonly Fallback[], ...stages: Stage[]): readonly CallOutput[] {
    return this.feed({ kind: 'routed', route: 'users', media: 'anchored', stages, fallbacks });
  }

  answer(name: string): readonly CallOutput[] {
    return this.feed({ kind: 'branch-answered', legId: name as LegId, codec: 'PCMU' });
  }

  ring(name: string, sipStatus = 180, early = false): readonly CallOutput[] {
    return this.feed({ kind: 'branch-ringing', legId: name as LegId, sipStatus, early });
  }

  fail(name: string, sipStatus: number): readonly CallOutput[] {
    return this.feed({ kind: 'branch-failed', legId: name as LegId, sipStatus });
  }

  talk(name: string): readonly CallOutput[] {
    this.answer(name);
    return this.feed({ kind: 'caller-answered', codec: 'PCMU' });
  }
}

/** Outputs as short words: 'ring b', 'refuse-caller 486'. Events and saves are left out. */
export function words(outputs: readonly CallOutput[]): string[] {
  return outputs.flatMap((output) => {
    switch (output.kind) {
      case 'event':
      case 'save':
        return [];
      case 'refuse-caller':
        return [`refuse-caller ${output.sipStatus}`];
      case 'progress':
        return [
          `progress ${output.sipStatus}${output.earlyMediaFrom === undefined ? '' : ` early ${output.earlyMediaFrom}`}`,
        ];
      case 'set-timer':
      case 'clear-timer':
        return [output.kind];
      case 'ended':
        return [`ended ${output.reason}`];
      case 'ringback':
        return [`ringback ${output.isOn ? 'on' : 'off'}`];
      case 'answer-caller':
      case 'cancel':
      case 'close-port':
      case 'hang-up':
      case 'open-port':
      case 'ring':
        return [`${output.kind} ${output.legId}`];
    }
  });
}
