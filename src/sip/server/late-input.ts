/**
 * Net and wire need the engine's input, the engine needs net and wire: this stands between until all are there.
 * It also keeps a mistake of ours over one message from ending every call: the message is dropped and the mistake logged.
 */
import type { Logger } from '../../kernel/index.ts';
import type { AppCommand, AppId, EngineInput, Received, Refused } from '../engine/index.ts';

export class LateInput implements EngineInput {
  readonly #logger: Logger;
  #engine: EngineInput | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  bind(engine: EngineInput): void {
    this.#engine = engine;
  }

  received(received: Received): void {
    this.#guard((engine) => engine.received(received));
  }

  refused(refused: Refused): void {
    this.#guard((engine) => engine.refused(refused));
  }

  connectionClosed(connectionId: number): void {
    this.#guard((engine) => engine.connectionClosed(connectionId));
  }

  appConnected(app: AppId, tags: readonly string[]): void {
    this.#guard((engine) => engine.appConnected(app, tags));
  }

  appCommand(app: AppId, command: AppCommand): void {
    this.#guard((engine) => engine.appCommand(app, command));
  }

  appClosed(app: AppId): void {
    this.#guard((engine) => engine.appClosed(app));
  }

  #guard(act: (engine: EngineInput) => void): void {
    if (this.#engine === undefined) return;
    try {
      act(this.#engine);
    } catch (err) {
      this.#logger.error({ err }, 'input that the SIP engine failed on was dropped');
    }
  }
}
