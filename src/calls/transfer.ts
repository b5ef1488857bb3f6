/**
 * A transfer as it runs (RFC 3515, RFC 5589), pure: the transferor has asked that the transferee, its counterpart in a
 * Call, be joined with a target. The Call goes on as it is until the target has answered, and after a failure too,
 * unless the transferor has hung up meanwhile: then the transferee waits, and is let go when there is nobody for it.
 */

/** `forward`: pass the REFER on to the transferee. `call`: ring the target ourselves, or join a party we have already. */
export type TransferMethod = 'forward' | 'call';

export type TransferState =
  | {
      readonly kind: 'forwarding';
      readonly transferor: Presence;
      /** Whether the transferee has told of any progress. */
      readonly isHeard: boolean;
      readonly told: number;
    }
  | { readonly kind: 'calling'; readonly transferor: Presence; readonly told: number }
  | { readonly kind: 'over' };

type Presence = 'present' | 'gone';

export type TransferInput =
  /** The transferee took the REFER. `isSilent`: it will send no NOTIFY (RFC 4488). */
  | { readonly kind: 'refer-accepted'; readonly isSilent: boolean }
  /** The transferee refused the REFER, or did not answer it. */
  | { readonly kind: 'refer-refused' }
  /** A NOTIFY of the transferee, with the status of its sipfrag. */
  | { readonly kind: 'refer-told'; readonly sipStatus: number }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'target-progress'; readonly sipStatus: number }
  /** The target and the transferee hear each other. */
  | { readonly kind: 'target-joined' }
  | { readonly kind: 'target-failed'; readonly sipStatus: number }
  | { readonly kind: 'transferor-gone' }
  | { readonly kind: 'transferee-gone' }
  /** The Call has ended for a reason of its own. */
  | { readonly kind: 'call-ended' };

export type TransferOutput =
  | { readonly kind: 'forward-refer' }
  | { readonly kind: 'set-timer'; readonly ms: number }
  | { readonly kind: 'clear-timer' }
  | { readonly kind: 'call-target' }
  | { readonly kind: 'cancel-target' }
  /** NOTIFY the transferor; the last one ends the subscription. */
  | { readonly kind: 'notify'; readonly sipStatus: number; readonly isLast: boolean }
  /** The transfer is done. `by`: whether the transferee went to the target on its own, or is with a Call of ours. */
  | { readonly kind: 'complete'; readonly by: TransferMethod }
  /** The Call must end: this party has hung up and the transfer leaves nobody for the other. */
  | { readonly kind: 'end-call'; readonly gone: 'transferor' | 'transferee' };

export interface TransferStep {
  readonly state: TransferState;
  readonly outputs: readonly TransferOutput[];
}

/** A transferee that took the REFER tells at once that it tries (RFC 3515 §2.4.4). */
const FIRST_NOTIFY_MS = 10_000;
/** For the target to answer, once the transferee has told that it tries. */
const FORWARDED_MS = 180_000;

const OVER: TransferState = { kind: 'over' };
const STOP: TransferOutput = { kind: 'clear-timer' };

/** A transfer at the moment its REFER is accepted. */
export function startTransfer(method: TransferMethod): TransferStep {
  const trying: TransferOutput = { kind: 'notify', sipStatus: 100, isLast: false };
  return method === 'forward'
    ? {
        state: { kind: 'forwarding', transferor: 'present', isHeard: false, told: 100 },
        outputs: [trying, { kind: 'forward-refer' }],
      }
    : { state: { kind: 'calling', transferor: 'present', told: 100 }, outputs: [trying, { kind: 'call-target' }] };
}

export function stepTransfer(state: TransferState, input: TransferInput): TransferStep {
  switch (state.kind) {
    case 'forwarding':
      return stepForwarding(state, input);
    case 'calling':
      return stepCalling(state, input);
    case 'over':
      return { state, outputs: [] };
  }
}

type Forwarding = Extract<TransferState, { kind: 'forwarding' }>;
type Calling = Extract<TransferState, { kind: 'calling' }>;
type Running = Forwarding | Calling;

function stepForwarding(state: Forwarding, input: TransferInput): TransferStep {
  switch (input.kind) {
    case 'refer-accepted':
      return input.isSilent
        ? complete(state, 'forward', [STOP])
        : { state, outputs: [STOP, { kind: 'set-timer', ms: FIRST_NOTIFY_MS }] };
    case 'refer-refused':
      return callInstead(state);
    case 'refer-told':
      return onTold(state, input.sipStatus);
    case 'timeout':
      // Who has told of progress is calling the target: a second call to it would be one too many.
      return state.isHeard ? fail(state, 408, []) : callInstead(state);
    case 'transferor-gone':
      return { state: { ...state, transferor: 'gone' }, outputs: [] };
    case 'transferee-gone':
      return abandon(state, [STOP]);
    case 'call-ended':
      return { state: OVER, outputs: [STOP] };
    case 'target-progress':
    case 'target-joined':
    case 'target-failed':
      return { state, outputs: [] };
  }
}

/** The transferee will not do it: we do it ourselves, which needs nothing of it but a re-INVITE. */
function callInstead({ transferor, told }: Forwarding): TransferStep {
  return { state: { kind: 'calling', transferor, told }, outputs: [STOP, { kind: 'call-target' }] };
}

function onTold(state: Forwarding, sipStatus: number): TransferStep {
  if (sipStatus >= 300) return fail(state, sipStatus, [STOP]);
  if (sipStatus >= 200) return complete(state, 'forward', [STOP]);
  const next: Forwarding = { ...state, isHeard: true, told: sipStatus };
  const wait: readonly TransferOutput[] = state.isHeard ? [] : [STOP, { kind: 'set-timer', ms: FORWARDED_MS }];
  return { state: next, outputs: [...wait, ...progress(state, sipStatus)] };
}

function stepCalling(state: Calling, input: TransferInput): TransferStep {
  switch (input.kind) {
    case 'target-progress':
      return { state: { ...state, told: input.sipStatus }, outputs: progress(state, input.sipStatus) };
    case 'target-joined':
      return complete(state, 'call', []);
    case 'target-failed':
      return fail(state, input.sipStatus, []);
    case 'transferor-gone':
      return { state: { ...state, transferor: 'gone' }, outputs: [] };
    case 'transferee-gone':
      return abandon(state, [{ kind: 'cancel-target' }]);
    case 'call-ended':
      return { state: OVER, outputs: [{ kind: 'cancel-target' }] };
    case 'refer-accepted':
    case 'refer-refused':
    case 'refer-told':
    case 'timeout':
      return { state, outputs: [] };
  }
}

/** What is new in it; 100 was told at the start. */
function progress(state: Running, sipStatus: number): readonly TransferOutput[] {
  const isNews = sipStatus > 100 && sipStatus !== state.told && state.transferor === 'present';
  return isNews ? [{ kind: 'notify', sipStatus, isLast: false }] : [];
}

function lastWord(state: Running, sipStatus: number): readonly TransferOutput[] {
  return state.transferor === 'present' ? [{ kind: 'notify', sipStatus, isLast: true }] : [];
}

function complete(state: Running, by: TransferMethod, first: readonly TransferOutput[]): TransferStep {
  return { state: OVER, outputs: [...first, ...lastWord(state, 200), { kind: 'complete', by }] };
}

function fail(state: Running, sipStatus: number, first: readonly TransferOutput[]): TransferStep {
  const end: readonly TransferOutput[] = state.transferor === 'gone' ? [{ kind: 'end-call', gone: 'transferor' }] : [];
  return { state: OVER, outputs: [...first, ...lastWord(state, sipStatus), ...end] };
}

/** The transferee has hung up: there is nobody to be transferred. */
function abandon(state: Running, first: readonly TransferOutput[]): TransferStep {
  return {
    state: OVER,
    outputs: [...first, ...lastWord(state, 487), { kind: 'end-call', gone: 'transferee' }],
  };
}
