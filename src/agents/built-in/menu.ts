/** What a menu on the telephone does, as a step function: keys lead somewhere, silence is met twice, then one parts. */

/** `repeat`: the greeting once more. */
export type MenuChoice = { readonly kind: 'repeat' } | { readonly kind: 'transfer'; readonly to: string };

export type MenuText = 'greeting' | 'transferring' | 'unknown-key' | 'unavailable' | 'goodbye';

export interface MenuSettings {
  /** By key. */
  readonly choices: ReadonlyMap<string, MenuChoice>;
  /** How often silence, or a key without meaning, is met with the greeting again. */
  readonly patience: number;
  /** How long a key is waited for once the greeting has been heard, ms. */
  readonly waitMs: number;
  /** The same once the caller has said something, ms. */
  readonly afterSpeechMs: number;
}

export type MenuState =
  | { readonly kind: 'talking' | 'listening'; readonly misses: number }
  | { readonly kind: 'transferring'; readonly misses: number; readonly to: string }
  | { readonly kind: 'leaving' };

export type MenuInput =
  | { readonly kind: 'opened' }
  | { readonly kind: 'key'; readonly key: string }
  /** All that was to be said has been heard. */
  | { readonly kind: 'said' }
  /** The caller has talked over us, and we are silent. */
  | { readonly kind: 'interrupted' }
  /** The caller has stopped to speak. */
  | { readonly kind: 'heard' }
  /** What was waited for has not come. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'transfer-failed' };

export type MenuOutput =
  /** In place of what is being said. */
  | { readonly kind: 'say'; readonly texts: readonly MenuText[] }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'transfer'; readonly to: string }
  | { readonly kind: 'hang-up' };

export interface MenuStep {
  readonly state: MenuState;
  readonly outputs: readonly MenuOutput[];
}

export const MENU_START: MenuState = { kind: 'talking', misses: 0 };

export function stepMenu(state: MenuState, input: MenuInput, settings: MenuSettings): MenuStep {
  if (state.kind === 'leaving') return isSaid(input) ? { state, outputs: [{ kind: 'hang-up' }] } : stay(state);
  if (state.kind === 'transferring') return stepTransferring(state, input);
  const { misses } = state;
  switch (input.kind) {
    case 'opened':
      return talk(misses, ['greeting']);
    case 'key':
      return press(misses, input.key, settings);
    case 'said':
      return state.kind === 'talking' ? listen(misses, settings.waitMs) : stay(state);
    case 'interrupted':
      return { state: { kind: 'listening', misses }, outputs: [] };
    case 'heard':
      return state.kind === 'listening' ? listen(misses, settings.afterSpeechMs) : stay(state);
    case 'silence':
      return state.kind === 'listening' ? miss(misses, [], settings) : stay(state);
    case 'transfer-failed':
      return stay(state);
  }
}

function stepTransferring(state: Extract<MenuState, { kind: 'transferring' }>, input: MenuInput): MenuStep {
  if (isSaid(input)) return { state, outputs: [{ kind: 'transfer', to: state.to }] };
  if (input.kind === 'transfer-failed') return talk(state.misses, ['unavailable', 'greeting']);
  return stay(state);
}

/** Who talks over the last words has heard enough of them. */
function isSaid({ kind }: MenuInput): boolean {
  return kind === 'said' || kind === 'interrupted';
}

function press(misses: number, key: string, settings: MenuSettings): MenuStep {
  const choice = settings.choices.get(key);
  if (choice === undefined) return miss(misses, ['unknown-key'], settings);
  if (choice.kind === 'repeat') return talk(0, ['greeting']);
  return { state: { kind: 'transferring', misses: 0, to: choice.to }, outputs: [say(['transferring'])] };
}

function miss(misses: number, texts: readonly MenuText[], { patience }: MenuSettings): MenuStep {
  if (misses >= patience) return { state: { kind: 'leaving' }, outputs: [say([...texts, 'goodbye'])] };
  return talk(misses + 1, [...texts, 'greeting']);
}

function talk(misses: number, texts: readonly MenuText[]): MenuStep {
  return { state: { kind: 'talking', misses }, outputs: [say(texts)] };
}

function listen(misses: number, ms: number): MenuStep {
  return { state: { kind: 'listening', misses }, outputs: [{ kind: 'wait', ms }] };
}

function say(texts: readonly MenuText[]): MenuOutput {
  return { kind: 'say', texts };
}

function stay(state: MenuState): MenuStep {
  return { state, outputs: [] };
}
