/** SIP as telephony sees it: what the application framework offers, in types of our own. `srf-adapter.ts` fills them. */

export type SipTransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

/** Where a request came from, as the engine saw it. */
export interface SipSource {
  readonly transport: SipTransportName;
  readonly address: string;
  readonly port: number;
  /** The names in its TLS certificate, when the engine has verified one; a drachtio-server has no way to tell. */
  readonly peerNames?: readonly string[];
}

export type SipHeaders = Readonly<Record<string, string>>;

/** A response as far as telephony reads it. */
export interface SipReply {
  readonly status: number;
  readonly body: string;
  /** Who sent it, as the engine saw it; undefined: nobody, it is made up. */
  readonly source?: { readonly address: string; readonly port: number };
  /** The value of a header, several lines joined by ','. */
  header(name: string): string | undefined;
}

/** A 401 or 407 to a request of ours. */
export interface Challenged {
  readonly method: string;
  /** The Request-URI as it was sent. */
  readonly uri: string;
  readonly body: string;
  readonly reply: SipReply;
}

/** What we prove ourselves with towards a peer. */
export interface OutboundCredentials {
  /** For one request. */
  begin(): CredentialsTurn;
}

export interface CredentialsTurn {
  /** The headers to send the request again with; undefined: the challenge is not answered, and the request fails. */
  answer(challenged: Challenged): SipHeaders | undefined;
  /** The request was answered 2xx. Gives the credentials for the dialog that it has made. */
  accepted(): OutboundCredentials;
}

/** A request that belongs to no dialog, or one inside a dialog that is no offer. */
export interface InboundRequest {
  readonly method: string;
  readonly uri: string;
  readonly sipCallId: string;
  readonly source: SipSource;
  readonly body: string;
  /** As they came, each once. */
  readonly headerNames: readonly string[];
  /** The value of a header, several lines joined by ','. */
  header(name: string): string | undefined;
  reply(status: number, headers?: SipHeaders, body?: string): void;
}

/** A place as a document (PIDF-LO, RFC 4119), and the name by which a Geolocation header refers to it. */
export interface LocationBody {
  readonly contentId: string;
  readonly text: string;
}

/** An INVITE. A final `reply` ends it; `answer` makes a dialog of it. */
export interface InboundInvite extends InboundRequest {
  /** What stood beside the offer. */
  readonly locations?: readonly LocationBody[];
  /** The CANCEL, with the value of its Reason header. The INVITE is answered already then. */
  onCancel(listener: (reason: string | undefined) => void): void;
  /** Takes in what comes in the early dialog, until the final response. */
  onEarly(listener: EarlyListener): void;
  /** Sends the 200. */
  answer(body: string, headers: SipHeaders, listener: AnswerListener): void;
}

/** How a dialog ended without us. */
export interface DialogEnd {
  /** The value of the BYE's Reason header, as it came. */
  readonly reason: string | undefined;
  /** The engine has ended it because the peer was silent: no ACK, no refresh of the session. */
  readonly isLost: boolean;
}

/** What a caller may send before it is answered. */
export interface EarlyListener {
  /** The INVITE still waits for its final response (RFC 3261 §15.1.2). */
  readonly onBye: (end: DialogEnd) => void;
  /** An UPDATE with a body. */
  readonly onOffer: (offer: InDialogOffer) => void;
  /** Of a provisional response that was sent with `Require: 100rel`, with the body of the PRACK. */
  readonly onPrack: (body: string) => void;
}

/** What happens in a dialog. Handed over before the dialog exists, so that nothing can arrive unheard. */
export interface DialogListener {
  readonly onBye: (end: DialogEnd) => void;
  /** The ACK to our 200, with its body and the number of its INVITE. */
  readonly onAck: (body: string, cseq: number) => void;
  /** A re-INVITE, or an UPDATE with a body. */
  readonly onOffer: (offer: InDialogOffer) => void;
  /** INFO, MESSAGE, NOTIFY, PUBLISH, REFER or SUBSCRIBE inside the dialog. It must be answered. */
  readonly onRequest: (request: InboundRequest) => void;
}

export interface AnswerListener extends DialogListener {
  /** The 200 is sent. Called synchronously, before anything of the dialog can arrive. */
  readonly onDialog: (dialog: SipDialog) => void;
  /** The transaction was gone: the caller has cancelled. */
  readonly onGone: () => void;
}

export interface InDialogOffer {
  readonly method: 'INVITE' | 'UPDATE';
  readonly body: string;
  readonly cseq: number;
  header(name: string): string | undefined;
  reply(status: number, headers?: SipHeaders, body?: string): void;
}

export interface SipDialog {
  readonly sipCallId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** Whether we sent the INVITE that made it. */
  readonly isUac: boolean;
  /** What the peer wants to hear of by INFO (RFC 6086 §5.2.1). */
  readonly infoPackages: ReadonlySet<string>;
  /** Sends a request and gives the final response. A 2xx to INVITE is acknowledged. A body is SDP unless `headers` say otherwise. */
  request(method: string, body: string, headers?: SipHeaders): Promise<SipReply>;
  /** Resolves when the BYE is answered, timed out, or cannot be sent. */
  bye(reason: string | undefined): Promise<void>;
}

export interface OutboundRequest {
  readonly uri: string;
  /** The next hop when it is not the URI's. */
  readonly nextHop: string | undefined;
  readonly headers: SipHeaders;
  readonly body: string;
  /** For challenges to it, and to requests in the dialog that it makes. Undefined: a challenge is a failure. */
  readonly credentials?: OutboundCredentials | undefined;
}

export interface OutboundListener extends DialogListener {
  readonly onSent: (sipCallId: string) => void;
  readonly onProvisional: (reply: SipReply) => void;
  /** Called synchronously, before anything of the dialog can arrive. */
  readonly onAnswered: (dialog: SipDialog, reply: SipReply) => void;
  /** The final response, or one the engine or we ourselves made up when none came: it has no headers. */
  readonly onFailed: (reply: SipReply) => void;
}

export interface OutboundInvite {
  /** At once, or as soon as the INVITE is out. Idempotent. */
  cancel(reason: string | undefined): void;
}

export interface EngineListener {
  readonly onInvite: (invite: InboundInvite) => void;
  readonly onRequest: (request: InboundRequest) => void;
  /** The connection to the engine is lost, and with it every dialog. It is made again by itself. */
  readonly onLost: () => void;
}

/** The connection to a SIP engine. */
/** Our end of the connection to the engine. */
export interface EngineReading {
  /** Our port. */
  readonly port: number;
  /** All that was read so far. */
  readonly bytesRead: number;
}

export interface EngineLink {
  /** Where the engine listens, as `proto/host:port`, external addresses first. */
  readonly hostPorts: readonly string[];
  readonly isUp: boolean;
  /** Undefined while there is no connection. */
  readonly reading: EngineReading | undefined;
  invite(request: OutboundRequest, listener: OutboundListener): OutboundInvite;
  /**
   * Sends a request that makes no dialog (OPTIONS, REGISTER, MESSAGE) and gives its final response; a body's type is
   * among the headers. Never rejects: 408 when nothing answers, 503 when it cannot be sent or the engine is lost.
   */
  request(request: OutboundRequest & { readonly method: string }): Promise<SipReply>;
  close(): void;
}
