/** Attempts, beginnings and ends of calls, for applications that did `route|cdr:…`: drachtio-protocol §9.8. */
import type { AppTable } from './app-table.ts';
import type { EngineApps } from './ports.ts';

type Source = 'network' | 'application';
type Role = 'uas' | 'uac' | 'proxy-uas' | 'proxy-uac';
export type StopReason =
  | 'normal-release'
  | 'call-rejected'
  | 'call-canceled'
  | 'session-expired'
  | 'system-initiated-termination';

export class CallReports {
  readonly #apps: EngineApps;
  readonly #appTable: AppTable;

  constructor(apps: EngineApps, appTable: AppTable) {
    this.#apps = apps;
    this.#appTable = appTable;
  }

  /** An INVITE came, or was sent. `message` is asked for only when somebody wants to know. */
  attempt(source: Source, message: () => Buffer): void {
    this.#send('cdr:attempt', [source], message);
  }

  started(source: Source, role: Role, message: () => Buffer): void {
    this.#send('cdr:start', [source, role], message);
  }

  stopped(source: Source, reason: StopReason, message: () => Buffer): void {
    this.#send('cdr:stop', [source, reason], message);
  }

  #send(event: 'cdr:attempt' | 'cdr:start' | 'cdr:stop', fields: readonly string[], message: () => Buffer): void {
    if (!this.#appTable.isRouted(event)) return;
    const choice = this.#appTable.choose(event);
    if (choice.kind === 'app') {
      this.#apps.send(choice.app, { kind: 'cdr', event, fields, message: message() }, false);
    }
  }
}
