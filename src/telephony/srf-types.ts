/** drachtio-srf as far as we use it; its own declarations leave out most of this. */
import type { Socket } from 'node:net';

export type SrfError = (Error & { readonly status?: number; readonly res?: SrfResponse }) | null | undefined;

export interface SrfMessage {
  readonly body: string | undefined;
  /** By name as it came. */
  readonly headers: Readonly<Record<string, unknown>>;
  get(name: string): string | undefined;
}

export interface SrfRequest extends SrfMessage {
  readonly method: string;
  readonly uri: string;
  /** 'application': the engine's own, as when it ends a dialog by itself. */
  readonly source: string;
  readonly source_address: string;
  readonly source_port: number;
  /** The connection to the engine. */
  readonly socket: Socket;
  readonly protocol: string;
  on(event: 'cancel', listener: (cancel: SrfMessage) => void): void;
  on(event: 'update', listener: (request: SrfRequest, response: SrfResponse) => void): void;
  removeAllListeners(event: 'cancel' | 'update'): void;
  on(event: 'response', listener: (response: SrfResponse) => void): void;
  cancel(options: { headers: Record<string, string> }, done: () => void): void;
}

export interface SrfResponse extends SrfMessage {
  readonly status: number;
  /** What it answers, of a response that came in. */
  readonly req: SrfRequest;
  readonly source_address: string;
  readonly source_port: number;
  send(
    status: number,
    options: SendOptions,
    sent?: (error: unknown) => void,
    onPrack?: (prack: SrfMessage) => void,
  ): void;
}

export interface SendOptions {
  readonly headers: Record<string, string>;
  readonly body?: string;
}

export interface SrfDialog {
  removeAllListeners(): void;
  readonly sip: { readonly callId: string; readonly localTag: string; readonly remoteTag: string };
  readonly type: 'uac' | 'uas';
  /** The response that made a dialog of an INVITE of ours. */
  readonly res: SrfResponse;
  /** The INVITE that made it, ours or the peer's. */
  readonly req: SrfRequest;
  on(event: 'destroy', listener: (request: SrfRequest | undefined) => void): void;
  on(event: 'ack', listener: (request: SrfMessage) => void): void;
  on(event: string, listener: (request: SrfRequest, response: SrfResponse) => void): void;
  request(
    options: { method: string; body: string; headers: Record<string, string> },
    done: (error: SrfError, response: SrfResponse) => void,
  ): void;
  destroy(options: { headers: Record<string, string> }, done: () => void): void;
}

/** Its client to the engine, which has no public way to hear that a command was taken. */
interface SrfWire {
  send(socket: Socket, text: string): string;
  on(event: 'msg', listener: (socket: Socket, text: string) => void): void;
  off(event: 'msg', listener: (socket: Socket, text: string) => void): void;
}

export interface SrfApp {
  readonly app: { readonly client: { readonly wp: SrfWire; readonly mapServer: ReadonlyMap<Socket, unknown> } };
  use(verb: string, handle: (request: SrfRequest, response: SrfResponse) => void): void;
  on(event: 'connect', listener: (error: Error | null | undefined, hostPorts: string) => void): void;
  on(event: 'error' | 'close', listener: (error?: Error) => void): void;
  connect(options: { readonly host: string; readonly port: number; readonly secret: string }): void;
  disconnect(): void;
  request(
    uri: string,
    options: { method: string; headers: Record<string, string>; body?: string; proxy?: string },
    done: (error: SrfError, request: SrfRequest) => void,
  ): void;
  createUAS(
    request: SrfRequest,
    response: SrfResponse,
    options: { localSdp: string; headers: Record<string, string> },
    done: (error: SrfError, dialog: SrfDialog) => void,
  ): void;
  createUAC(
    uri: string,
    options: { localSdp: string; headers: Record<string, string>; proxy?: string },
    progress: {
      cbRequest: (error: SrfError, request: SrfRequest) => void;
      cbProvisional: (response: SrfResponse) => void;
    },
    done: (error: SrfError, dialog: SrfDialog) => void,
  ): void;
}
