import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MENU_START,
  type MenuInput,
  type MenuOutput,
  type MenuSettings,
  type MenuState,
  stepMenu,
} from '../../src/agents/built-in/menu.ts';

const settings: MenuSettings = {
  choices: new Map([
    ['1', { kind: 'transfer', to: 'alice' }],
    ['0', { kind: 'repeat' }],
  ]),
  patience: 2,
  waitMs: 6000,
  afterSpeechMs: 1500,
};

/** What the menu does about each input, one after another. */
function run(...inputs: readonly MenuInput[]): { state: MenuState; outputs: readonly MenuOutput[] } {
  let state = MENU_START;
  let outputs: readonly MenuOutput[] = [];
  for (const input of inputs) ({ state, outputs } = stepMenu(state, input, settings));
  return { state, outputs };
}

const opened: MenuInput = { kind: 'opened' };
const said: MenuInput = { kind: 'said' };
const silence: MenuInput = { kind: 'silence' };
const press = (key: string): MenuInput => ({ kind: 'key', key });

describe('menu', () => {
  it('greets, waits, greets again twice, and parts', () => {
    expect(run(opened).outputs).toEqual([{ kind: 'say', texts: ['greeting'] }]);
    expect(run(opened, said).outputs).toEqual([{ kind: 'wait', ms: 6000 }]);
    expect(run(opened, said, silence).outputs).toEqual([{ kind: 'say', texts: ['greeting'] }]);
    const patient = [opened, said, silence, said, silence, said, silence];
    expect(run(...patient).outputs).toEqual([{ kind: 'say', texts: ['goodbye'] }]);
    expect(run(...patient, said).outputs).toEqual([{ kind: 'hang-up' }]);
  });

  it('takes a key in the middle of the greeting, and puts through when it has said so', () => {
    expect(run(opened, press('1')).outputs).toEqual([{ kind: 'say', texts: ['transferring'] }]);
    expect(run(opened, press('1'), said).outputs).toEqual([{ kind: 'transfer', to: 'alice' }]);
    expect(run(opened, press('1'), { kind: 'interrupted' }).outputs).toEqual([{ kind: 'transfer', to: 'alice' }]);
  });

  it('tells who is not there, and offers the choice again', () => {
    const { outputs } = run(opened, press('1'), said, { kind: 'transfer-failed' });
    expect(outputs).toEqual([{ kind: 'say', texts: ['unavailable', 'greeting'] }]);
  });

  it('knows keys that mean nothing, and gives up on them as well', () => {
    expect(run(opened, press('7')).outputs).toEqual([{ kind: 'say', texts: ['unknown-key', 'greeting'] }]);
    const { outputs } = run(opened, press('7'), press('7'), press('7'));
    expect(outputs).toEqual([{ kind: 'say', texts: ['unknown-key', 'goodbye'] }]);
    expect(run(opened, press('7'), press('7'), press('0'), press('7')).outputs).toEqual([
      { kind: 'say', texts: ['unknown-key', 'greeting'] },
    ]);
  });

  it('is silent while the caller speaks, and greets again when nothing comes of it', () => {
    expect(run(opened, { kind: 'interrupted' }).outputs).toEqual([]);
    expect(run(opened, { kind: 'interrupted' }, { kind: 'heard' }).outputs).toEqual([{ kind: 'wait', ms: 1500 }]);
    const { outputs } = run(opened, { kind: 'interrupted' }, { kind: 'heard' }, silence);
    expect(outputs).toEqual([{ kind: 'say', texts: ['greeting'] }]);
  });

  it('always has something under way: words, a key that is waited for, a transfer, or the end', () => {
    const input = fc.oneof(
      fc.constantFrom<MenuInput>(
        said,
        silence,
        { kind: 'interrupted' },
        { kind: 'heard' },
        { kind: 'transfer-failed' },
      ),
      fc.constantFrom('0', '1', '7', '#').map(press),
    );
    fc.assert(
      fc.property(fc.array(input, { maxLength: 30 }), (inputs) => {
        let { state } = run(opened);
        // What is owed by the world: the end of what is said or of a transfer, the end of speech, or a timer.
        let owed: string = 'said';
        for (const each of inputs) {
          if (['said', 'silence', 'heard', 'transfer-failed'].includes(each.kind) && each.kind !== owed) continue;
          if (each.kind === 'interrupted' && owed !== 'said') continue;
          const step = stepMenu(state, each, settings);
          state = step.state;
          if (each.kind === 'interrupted' && step.outputs.length === 0) owed = 'heard';
          const last = step.outputs.at(-1);
          if (last !== undefined)
            owed = { say: 'said', wait: 'silence', transfer: 'transfer-failed', 'hang-up': 'end' }[last.kind];
          else if (each.kind !== 'interrupted') expect(each.kind === 'key' || owed === 'end').toBe(true);
          if (owed === 'end') return;
        }
      }),
    );
  });
});
