/** Net and wire need the engine's input, the engine needs net and wire: this stands between until all are there. */
import type { AppCommand, AppId, EngineInput, Received, Refused } from '../engine/index.ts';

export class LateInput implements EngineInput {
  #engine: EngineInput | undefined;

  bind(engine: EngineInput): void {
    this.#engine = engine;
  }

  received(received: Received): void {
    this.#engine?.received(received);
  }

  refused(refused: Refused): void {
    this.#engine?.refused(refused);
  }

  connectionClosed(connectionId: number): void {
    this.#engine?.connectionClosed(connectionId);
  }

  appConnected(app: AppId, tags: readonly string[]): void {
    this.#engine?.appConnected(app, tags);
  }

  appCommand(app: AppId, command: AppCommand): void {
    this.#engine?.appCommand(app, command);
  }

  appClosed(app: AppId): void {
    this.#engine?.appClosed(app);
  }
}
