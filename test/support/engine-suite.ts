/** What every suite on the engine needs: the engine itself, and whatever a test opens closed when the test is over. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { startTestEngine, type TestEngine } from './test-engine.ts';

interface Closable {
  close(): Promise<void>;
}

export interface EngineSuite {
  /** One for the whole file; there from the first test on. */
  readonly engine: TestEngine;
  /** Closes `thing` after the test, newest first. */
  readonly keep: <T extends Closable>(thing: T) => T;
}

/** To be called once, at the top of a test file. */
export function useEngine(): EngineSuite {
  const opened: Closable[] = [];
  let engine: TestEngine | undefined;
  beforeAll(async () => {
    engine = await startTestEngine();
  });
  afterEach(async () => {
    for (const thing of opened.splice(0).toReversed()) await thing.close();
  });
  afterAll(async () => engine?.close());
  return {
    get engine() {
      if (engine === undefined) throw new Error('the engine is there from the first test on');
      return engine;
    },
    keep(thing) {
      opened.push(thing);
      return thing;
    },
  };
}
