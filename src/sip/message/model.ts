/** A SIP message as plain data (RFC 3261 §7). Immutable: a change makes a new one. */

/** One header line. `name` is canonical and expanded ('i' → 'Call-ID'); `value` is unfolded and trimmed, otherwise as received. */
export interface SipHeader {
  readonly name: string;
  readonly value: string;
}

export interface SipRequest {
  readonly kind: 'request';
  /** Case-sensitive, as received. */
  readonly method: string;
  readonly uri: string;
  readonly headers: readonly SipHeader[];
  readonly body: Buffer;
}

export interface SipResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly SipHeader[];
  readonly body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

/** A topmost-Via, read: RFC 3261 §20.42, RFC 3581. */
export interface Via {
  /** 'UDP' | 'TCP' | 'TLS' | 'WS' | 'WSS', upper case as sent. */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  /** Lower-case names; a parameter without a value has ''. */
  readonly params: ReadonlyMap<string, string>;
}

export interface SipUri {
  readonly scheme: 'sip' | 'sips' | 'tel';
  /** Unescaped nothing: user part as written, '' when absent. */
  readonly user: string;
  readonly password: string | undefined;
  /** For tel: the number. IPv6 with its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: ReadonlyMap<string, string>;
  /** Text after '?', '' when absent. */
  readonly headers: string;
}

/** From, To, Contact and their like: RFC 3261 §20.10. */
export interface NameAddr {
  readonly displayName: string;
  readonly uri: string;
  readonly params: ReadonlyMap<string, string>;
}
