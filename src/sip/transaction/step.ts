/** What a machine answers to an input: its next state and what it wants done, in order. */
export interface Step<State, Output> {
  readonly next: State;
  readonly outputs: readonly Output[];
}

const NOTHING: readonly never[] = [];

/** No arrow for this input: same state, no outputs. */
export function stay<State>(state: State): Step<State, never> {
  return { next: state, outputs: NOTHING };
}

export type SetTimer<Name extends string> = { readonly kind: 'set-timer'; readonly timer: Name; readonly ms: number };

/** Asks for the timer `timer`; a running one of that name is replaced. */
export function wait<Name extends string>(timer: Name, ms: number): SetTimer<Name> {
  return { kind: 'set-timer', timer, ms };
}
