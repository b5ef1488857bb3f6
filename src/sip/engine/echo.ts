/** What an application is told about a message it had sent: drachtio-protocol §3.2 and §3.3. */
import { type EngineCore, protoName } from './core.ts';
import type { AppId, Flow, ListenerAddress, Received } from './ports.ts';

const DAY_MS = 86_400_000;

/** UTC `HH:MM:SS.microseconds`. */
function timeText(wallTime: number): string {
  const inDay = wallTime % DAY_MS;
  const seconds = Math.floor(inDay / 1000);
  const micros = Math.floor((inDay % 1000) * 1000);
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}.${String(micros).padStart(6, '0')}`;
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

/** How every echo starts: sent by the application, so many bytes, where, when. */
function sentBy(core: EngineCore, bytes: number, where: readonly string[]): string[] {
  return ['OK', 'application', String(bytes), ...where, timeText(core.clock.wallTime())];
}

interface RequestEcho {
  readonly id: string;
  readonly transactionId: string;
  readonly listener: ListenerAddress;
  readonly message: Buffer;
  /** False when nothing went out yet (a CANCEL held back) or nothing can (a peer that is gone). */
  readonly isSent: boolean;
}

export function echoRequest(core: EngineCore, app: AppId, echo: RequestEcho): void {
  const { listener } = echo;
  const bytes = echo.isSent ? echo.message.length : 0;
  const where = [protoName(core, listener.transport), listener.address, String(listener.port)];
  const fields = [...sentBy(core, bytes, where), echo.transactionId, 'Msg sent:', ''];
  core.apps.send(app, { kind: 'response', id: echo.id, fields, message: echo.message }, false);
}

interface ResponseEcho {
  readonly id: string;
  readonly transactionId: string;
  readonly dialogId: string;
  readonly flow: Flow;
  readonly message: Buffer;
}

export function echoResponse(core: EngineCore, app: AppId, echo: ResponseEcho): void {
  const { flow } = echo;
  const where = [protoName(core, flow.transport), flow.remoteAddress, String(flow.remotePort)];
  const start = sentBy(core, echo.message.length, where);
  const fields = [...start, echo.transactionId, echo.dialogId, '', 'Msg sent:', ''];
  core.apps.send(app, { kind: 'response', id: echo.id, fields, message: echo.message }, false);
}

/** A final response to a request that is being proxied; more may follow (drachtio-protocol §7). */
export function echoProxied(core: EngineCore, app: AppId, id: string, { flow, data }: Received): void {
  const where = [protoName(core, flow.transport), flow.remoteAddress, String(flow.remotePort)];
  const fields = ['OK', 'network', String(data.length), ...where, timeText(core.clock.wallTime()), '', '', 'continue'];
  core.apps.send(app, { kind: 'response', id, fields, message: data }, false);
}
