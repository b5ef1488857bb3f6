/**
 * A transfer with consultation as it runs, pure: one party of a Call, the transferor, talks with the target first while
 * the other one is held. Then the held one and the target are joined, or the first two talk again, as they do by
 * themselves when the target is not there or leaves. Who is left alone by a party that hangs up is let go, too.
 */

export type ConsultationState =
  /** The target rings. */
  | { readonly kind: 'calling' }
  /** The transferor and the target hear each other. */
  | { readonly kind: 'talking' }
  /** The held party and the target are being brought together. */
  | { readonly kind: 'joining'; readonly transferor: Presence; readonly target: Presence }
  | { readonly kind: 'over' };

type Presence = 'present' | 'gone';

export type ConsultationInput =
  | { readonly kind: 'target-answered' }
  | { readonly kind: 'target-failed'; readonly sipStatus: number }
  /** It has hung up after its answer. */
  | { readonly kind: 'target-gone' }
  | { readonly kind: 'complete' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'joined' }
  /** All is as it was before. */
  | { readonly kind: 'join-failed'; readonly sipStatus: number }
  | { readonly kind: 'transferor-gone' }
  | { readonly kind: 'held-gone' }
  /** The Call has ended for a reason of its own. */
  | { readonly kind: 'call-ended' };

export type ConsultationNews =
  | 'started'
  | 'answered'
  | 'completed'
  | 'cancelled'
  /** The target is not there, or has left; the first two talk again. */
  | 'failed'
  /** The held party and the target could not be joined; the consultation goes on, if both are still there. */
  | 'not-joined'
  /** There is nobody left for it. */
  | 'ended';

export type ConsultationOutput =
  | { readonly kind: 'hold' }
  | { readonly kind: 'call-target' }
  /** The transferor and the target are to hear each other. */
  | { readonly kind: 'connect' }
  | { readonly kind: 'join' }
  | { readonly kind: 'call-off-join' }
  | { readonly kind: 'call-off-target' }
  /** The first two are to hear each other again. */
  | { readonly kind: 'resume' }
  /** The held party has gone over to the target: the Call lets the transferor go. */
  | { readonly kind: 'part' }
  /** The Call must end: this party has hung up and nobody is left for the other. */
  | { readonly kind: 'end-call'; readonly gone: 'transferor' | 'held' }
  | { readonly kind: 'tell'; readonly news: ConsultationNews; readonly sipStatus?: number };

export interface ConsultationStep {
  readonly state: ConsultationState;
  readonly outputs: readonly ConsultationOutput[];
}

const OVER: ConsultationState = { kind: 'over' };
const CALL_OFF: ConsultationOutput = { kind: 'call-off-target' };
const ENDED: ConsultationOutput = { kind: 'tell', news: 'ended' };

export function startConsultation(): ConsultationStep {
  const outputs: readonly ConsultationOutput[] = [
    { kind: 'tell', news: 'started' },
    { kind: 'hold' },
    { kind: 'call-target' },
  ];
  return { state: { kind: 'calling' }, outputs };
}

export function stepConsultation(state: ConsultationState, input: ConsultationInput): ConsultationStep {
  switch (state.kind) {
    case 'calling':
      return stepCalling(state, input);
    case 'talking':
      return stepTalking(state, input);
    case 'joining':
      return stepJoining(state, input);
    case 'over':
      return { state, outputs: [] };
  }
}

function stepCalling(state: ConsultationState, input: ConsultationInput): ConsultationStep {
  if (input.kind === 'target-answered')
    return { state: { kind: 'talking' }, outputs: [{ kind: 'connect' }, { kind: 'tell', news: 'answered' }] };
  if (input.kind === 'target-failed') return rollBack({ kind: 'tell', news: 'failed', sipStatus: input.sipStatus });
  if (input.kind === 'transferor-gone') return over(CALL_OFF, ENDED, { kind: 'end-call', gone: 'transferor' });
  return stepEither(state, input);
}

function stepTalking(state: ConsultationState, input: ConsultationInput): ConsultationStep {
  // Who hangs up has said what was to be said.
  const isDone = input.kind === 'complete' || input.kind === 'transferor-gone';
  if (!isDone) return stepEither(state, input);
  const transferor = input.kind === 'complete' ? 'present' : 'gone';
  return { state: { kind: 'joining', transferor, target: 'present' }, outputs: [{ kind: 'join' }] };
}

/** What is the same before and after the target's answer. */
function stepEither(state: ConsultationState, input: ConsultationInput): ConsultationStep {
  switch (input.kind) {
    case 'target-gone':
      return rollBack({ kind: 'tell', news: 'failed' });
    case 'cancel':
      return rollBack({ kind: 'tell', news: 'cancelled' }, CALL_OFF);
    case 'held-gone':
      return over(CALL_OFF, ENDED, { kind: 'end-call', gone: 'held' });
    case 'call-ended':
      return over(CALL_OFF, ENDED);
    case 'target-answered':
    case 'target-failed':
    case 'transferor-gone':
    case 'complete':
    case 'joined':
    case 'join-failed':
      return { state, outputs: [] };
  }
}

function stepJoining(
  state: Extract<ConsultationState, { kind: 'joining' }>,
  input: ConsultationInput,
): ConsultationStep {
  switch (input.kind) {
    case 'joined':
      return over({ kind: 'tell', news: 'completed' }, { kind: 'part' });
    case 'join-failed':
      return notJoined(state, input.sipStatus);
    // The joining cannot come about any more, and says so when all is as it was.
    case 'target-gone':
      return { state: { ...state, target: 'gone' }, outputs: [] };
    case 'transferor-gone':
      return { state: { ...state, transferor: 'gone' }, outputs: [] };
    case 'held-gone':
      return over({ kind: 'call-off-join' }, CALL_OFF, ENDED, { kind: 'end-call', gone: 'held' });
    case 'call-ended':
      return over({ kind: 'call-off-join' }, CALL_OFF, ENDED);
    case 'target-answered':
    case 'target-failed':
    case 'complete':
    case 'cancel':
      return { state, outputs: [] };
  }
}

function notJoined(
  { transferor, target }: Extract<ConsultationState, { kind: 'joining' }>,
  sipStatus: number,
): ConsultationStep {
  const news: ConsultationOutput = { kind: 'tell', news: 'not-joined', sipStatus };
  if (transferor === 'gone') return over(news, CALL_OFF, ENDED, { kind: 'end-call', gone: 'transferor' });
  if (target === 'gone') return rollBack(news);
  return { state: { kind: 'talking' }, outputs: [{ kind: 'connect' }, news] };
}

function rollBack(news: ConsultationOutput, ...first: readonly ConsultationOutput[]): ConsultationStep {
  return over(...first, { kind: 'resume' }, news);
}

function over(...outputs: readonly ConsultationOutput[]): ConsultationStep {
  return { state: OVER, outputs };
}
