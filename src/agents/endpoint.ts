/** Where an agent's WebSocket server is, and what it is shown when it is called. */
import type { AgentCall } from '../calls/index.ts';
import type { AgentSocketOptions } from './agent-socket.ts';
import { filled, filledAll, type Template } from './template.ts';

export interface AgentEndpoint {
  readonly url: Template;
  readonly headers: Readonly<Record<string, Template>>;
  readonly connectTimeoutMs: number;
  /** PEM text of the authorities its certificate may come from; undefined: those of the system. */
  readonly ca?: string | undefined;
}

export type FilledEndpoint = Pick<AgentSocketOptions, 'url' | 'headers' | 'connectTimeoutMs' | 'ca' | 'mayBePrivate'>;

/** For one call. */
export function endpointFor({ url, headers, connectTimeoutMs, ca }: AgentEndpoint, call: AgentCall): FilledEndpoint {
  return {
    url: filled(url, call, encodeURIComponent),
    headers: filledAll(headers, call),
    connectTimeoutMs,
    ca,
  };
}

/** The header that shows a token (RFC 6750 §2.1). */
export function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}
