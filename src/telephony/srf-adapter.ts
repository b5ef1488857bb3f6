/**
 * The one file that knows drachtio-srf: its callbacks and untyped objects end here. Only its callback forms are used,
 * and dialogs get their listeners inside the callback: what shares a chunk with an echo would be lost on a promise.
 */
import Srf from 'drachtio-srf';
import type { Logger } from '../kernel/index.ts';
import { parseNameAddr } from '../sip/message/index.ts';
import { ALLOW } from './allow.ts';
import { telephonyErrors } from './errors.ts';
import { readInfoPackages } from './hold-notices.ts';
import { findObstacle } from './obstacles.ts';
import { sourceOf } from './request-source.ts';
import type {
  AnswerListener,
  CredentialsTurn,
  DialogListener,
  EarlyListener,
  EngineLink,
  EngineListener,
  InboundInvite,
  InboundRequest,
  OutboundCredentials,
  OutboundInvite,
  OutboundListener,
  OutboundRequest,
  SipDialog,
  SipHeaders,
  SipReply,
} from './sip-ports.ts';
import { commandsTaken, joinWrites } from './srf-commands.ts';
import { requestInside } from './srf-inside.ts';
import { cseqOf, failureOf, type HeardReply, isSuccess, madeReply, replyOf, resendHeaders } from './srf-reply.ts';
import type { SendOptions, SrfApp, SrfDialog, SrfError, SrfMessage, SrfRequest, SrfResponse } from './srf-types.ts';

/** Where an engine accepts applications. */
export interface WireAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

export interface EngineOptions {
  readonly wire: WireAddress;
  /** It is the embedded engine. */
  readonly isOurs?: boolean;
  readonly listener: EngineListener;
  readonly logger: Logger;
}

/** Methods outside dialogs that we answer ourselves; the engine answers the rest. */
const VERBS = ['register', 'options', 'message', 'subscribe', 'publish', 'notify', 'info', 'refer'];
/** What may come inside a dialog beside offers, OPTIONS and BYE. */
const DIALOG_VERBS = ['info', 'message', 'notify', 'publish', 'refer', 'subscribe'];
const SDP_TYPE = { 'Content-Type': 'application/sdp' };

/** Connects to the engine and takes in requests: every one from when it resolves. Throws when it cannot. */
export async function connectEngine(options: EngineOptions): Promise<EngineLink> {
  const srf = new Srf() as unknown as SrfApp;
  const { listener, logger, wire, isOurs = false } = options;
  const early: EarlyInvites = new Map();
  srf.use('invite', (request, response) => {
    joinWrites(request.socket);
    // Without Contact there is nowhere to send requests of the dialog (RFC 3261 §8.1.1.8).
    if (request.get('Contact') === undefined) send(response, 400, {});
    else listener.onInvite(inboundInvite({ srf, request, response, isOurs, early }));
  });
  srf.use('bye', (request, response) => answerEarlyBye(request, response, early));
  for (const verb of VERBS)
    srf.use(verb, (request, response) => listener.onRequest(inboundRequest(request, response, isOurs)));
  const link = new SrfLink(srf, options);
  const place = `${wire.host}:${wire.port}`;
  const connected = new Promise<readonly string[]>((resolve, reject) => {
    srf.on('connect', (error, hostPorts) => {
      if (error !== null && error !== undefined)
        reject(telephonyErrors.TELEPHONY_ENGINE_REFUSED([place], { cause: error }));
      else resolve(hostPorts.split(','));
      link.onConnect();
    });
    srf.on('error', (error) => {
      logger.warn({ err: error }, 'engine connection failed');
      reject(telephonyErrors.TELEPHONY_ENGINE_UNREACHABLE([place], { cause: error }));
    });
    srf.on('close', () => link.onClose());
    srf.connect(wire);
  });
  try {
    link.hostPorts = await connected;
    await commandsTaken(srf, place);
    return link;
  } catch (error) {
    link.close();
    throw error;
  }
}

class SrfLink implements EngineLink {
  hostPorts: readonly string[] = [];
  readonly #srf: SrfApp;
  readonly #options: EngineOptions;
  /** Settle the requests whose answers are still to come: drachtio-srf forgets them when the connection goes. */
  readonly #awaited = new Set<(reply: SipReply) => void>();
  #isUp = false;
  #isClosed = false;

  constructor(srf: SrfApp, options: EngineOptions) {
    this.#srf = srf;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  onConnect(): void {
    this.#isUp = true;
    this.#options.logger.info({}, 'connected to the SIP engine');
    if (this.#isClosed) this.#disconnect();
  }

  onClose(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    for (const settle of this.#awaited) settle(madeReply(503));
    if (this.#isClosed) return;
    this.#options.logger.error({}, 'connection to the SIP engine lost');
    this.#options.listener.onLost();
  }

  invite(request: OutboundRequest, listener: OutboundListener): OutboundInvite {
    const outbound = new SrfOutbound(listener, request.credentials);
    try {
      outbound.send(this.#srf, request);
    } catch {
      // drachtio-srf asserts that it has a connection.
      queueMicrotask(() => listener.onFailed(madeReply(503)));
    }
    return outbound;
  }

  async request(request: OutboundRequest & { readonly method: string }): Promise<SipReply> {
    const turn = request.credentials?.begin();
    const attempt = async (headers: SipHeaders): Promise<SipReply> => {
      const reply = await this.#request({ ...request, headers });
      const again = resendHeaders(turn, request.body, reply);
      if (again !== undefined) return attempt({ ...headers, ...again });
      if (isSuccess(reply)) turn?.accepted();
      return reply;
    };
    return attempt(request.headers);
  }

  async #request({
    method,
    uri,
    nextHop,
    headers,
    body,
  }: OutboundRequest & { readonly method: string }): Promise<HeardReply> {
    const options = {
      method,
      headers: { ...headers },
      ...(body === '' ? {} : { body }),
      ...(nextHop === undefined ? {} : { proxy: nextHop }),
    };
    return new Promise((resolve) => {
      const settle = (reply: HeardReply): void => {
        this.#awaited.delete(settle);
        resolve(reply);
      };
      this.#awaited.add(settle);
      try {
        this.#srf.request(uri, options, (error, sent) => {
          if (error !== null && error !== undefined) settle(madeReply(error.status ?? 503));
          else
            sent.on('response', (response) => {
              if (response.status >= 200) settle(replyOf(response));
            });
        });
      } catch {
        // drachtio-srf asserts that it has a connection.
        settle(madeReply(503));
      }
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#disconnect();
  }

  #disconnect(): void {
    if (!this.#isUp) return;
    this.#srf.disconnect();
  }
}

class SrfOutbound implements OutboundInvite {
  readonly #listener: OutboundListener;
  readonly #turn: CredentialsTurn | undefined;
  #isAnnounced = false;
  #sent: SrfRequest | undefined;
  #hearsUpdates = false;
  #isOver = false;
  #cancelled: { readonly reason: string | undefined } | undefined;

  constructor(listener: OutboundListener, credentials: OutboundCredentials | undefined) {
    this.#listener = listener;
    this.#turn = credentials?.begin();
  }

  send(srf: SrfApp, request: OutboundRequest): void {
    const listener = this.#listener;
    const { uri, body, nextHop } = request;
    const options = {
      localSdp: body,
      headers: { ...request.headers },
      ...(nextHop === undefined ? {} : { proxy: nextHop }),
    };
    const cbRequest = (error: SrfError, sent: SrfRequest): void => {
      if (error !== null && error !== undefined) return;
      this.#sent = sent;
      if (!this.#isAnnounced) listener.onSent(sent.get('Call-ID') ?? '');
      this.#isAnnounced = true;
      if (this.#cancelled !== undefined) this.#sendCancel(this.#cancelled.reason);
    };
    const cbProvisional = (response: SrfResponse): void => {
      this.#listenForUpdates();
      listener.onProvisional(replyOf(response));
    };
    srf.createUAC(uri, options, { cbRequest, cbProvisional }, (error, dialog) => {
      if (error === null || error === undefined) {
        this.#isOver = true;
        listener.onAnswered(watch(dialog, listener, this.#turn?.accepted()), replyOf(dialog.res));
      } else this.#onFailed(srf, request, failureOf(error));
    });
  }

  /** A challenge is answered with the same INVITE under the next number (RFC 3261 §22.2), unless nobody wants it any more. */
  #onFailed(srf: SrfApp, request: OutboundRequest, reply: HeardReply): void {
    const again = this.#cancelled === undefined ? resendHeaders(this.#turn, request.body, reply) : undefined;
    if (again === undefined) {
      this.#isOver = true;
      this.#listener.onFailed(reply);
      return;
    }
    this.#sent = undefined;
    this.#hearsUpdates = false;
    try {
      this.send(srf, { ...request, headers: { ...request.headers, ...again } });
    } catch {
      this.#isOver = true;
      this.#listener.onFailed(madeReply(503));
    }
  }

  /** drachtio-srf answers an early UPDATE with the offer of the INVITE: before a response of the dialog none can come. */
  #listenForUpdates(): void {
    if (this.#hearsUpdates || this.#sent === undefined) return;
    this.#hearsUpdates = true;
    this.#sent.removeAllListeners('update');
    this.#sent.on('update', (request, response) => offer(this.#listener, 'UPDATE', request, response));
  }

  cancel(reason: string | undefined): void {
    if (this.#cancelled !== undefined || this.#isOver) return;
    this.#cancelled = { reason };
    this.#sendCancel(reason);
  }

  #sendCancel(reason: string | undefined): void {
    if (this.#isOver) return;
    this.#sent?.cancel({ headers: reasonHeader(reason) }, () => {});
  }
}

/** Inside a dialog nobody asks for the names in a certificate, and `isOurs` is false. */
function inboundRequest(request: SrfRequest, response: SrfResponse, isOurs = false): InboundRequest {
  const { method, uri } = request;
  return {
    method,
    uri,
    sipCallId: request.get('Call-ID') ?? '',
    source: sourceOf(
      {
        protocol: request.protocol,
        address: request.source_address,
        port: request.source_port,
        via: request.get('Via') ?? '',
        peerNames: request.get('X-Viaduct-Peer-Names'),
      },
      isOurs,
    ),
    body: request.body ?? '',
    headerNames: Object.keys(request.headers),
    header: (name) => request.get(name),
    reply: (status, headers = {}, body) => send(response, status, headers, body),
  };
}

/** INVITEs without a final response, by Call-ID and tag: a BYE in the early dialog finds its INVITE here. */
type EarlyInvites = Map<string, EarlyListener>;

interface InviteParts {
  readonly srf: SrfApp;
  readonly request: SrfRequest;
  readonly response: SrfResponse;
  readonly isOurs: boolean;
  readonly early: EarlyInvites;
}

function inboundInvite({ srf, request, response, isOurs, early }: InviteParts): InboundInvite {
  const base = inboundRequest(request, response, isOurs);
  const key = earlyKey(request);
  let onPrack: ((body: string) => void) | undefined;
  const close = (): void => {
    early.delete(key);
    request.removeAllListeners('cancel');
  };
  return {
    ...base,
    reply: (status, headers = {}, body) => {
      if (status >= 200) close();
      if (status >= 200 || onPrack === undefined) send(response, status, headers, body);
      else sendProvisional(response, { status, headers, body }, onPrack);
    },
    onCancel: (listener) =>
      request.on('cancel', (cancel) => {
        early.delete(key);
        listener(cancel.get('Reason'));
      }),
    onEarly: (listener) => {
      ({ onPrack } = listener);
      early.set(key, listener);
      request.on('update', (update, answer) => offer(listener, 'UPDATE', update, answer));
    },
    answer: (body, headers, listener: AnswerListener) => {
      early.delete(key);
      srf.createUAS(request, response, { localSdp: body, headers: { Allow: ALLOW, ...headers } }, (error, dialog) => {
        close();
        if (error === null || error === undefined) listener.onDialog(watch(dialog, listener));
        else listener.onGone();
      });
    },
  };
}

function earlyKey(request: SrfMessage): string {
  const tag = parseNameAddr(request.get('From') ?? '')?.params.get('tag') ?? '';
  return `${request.get('Call-ID') ?? ''} ${tag}`;
}

/** A BYE that is in no dialog of drachtio-srf: its INVITE is not answered yet, or nobody knows it. */
function answerEarlyBye(request: SrfRequest, response: SrfResponse, early: EarlyInvites): void {
  const listener = early.get(earlyKey(request));
  send(response, listener === undefined ? 481 : 200, {});
  listener?.onBye({ reason: request.get('Reason'), isLost: false });
}

function offer(
  listener: Pick<DialogListener, 'onOffer'>,
  method: 'INVITE' | 'UPDATE',
  request: SrfRequest,
  response: SrfResponse,
): void {
  if (isRefused(request, response)) return;
  const body = request.body ?? '';
  // An UPDATE without a body changes nothing and refreshes the session (RFC 3311 §5.2, RFC 4028 §7.4).
  if (method === 'UPDATE' && body === '') send(response, 200, {});
  else
    listener.onOffer({
      method,
      body,
      cseq: cseqOf(request),
      header: (name) => request.get(name),
      reply: (status, headers = {}, answer) => send(response, status, headers, answer),
    });
}

/** Answers what cannot be served whatever it asks for, as outside of dialogs. */
function isRefused(request: SrfRequest, response: SrfResponse): boolean {
  const { method, body = '' } = request;
  const obstacle = findObstacle({ method, body, header: (name) => request.get(name) });
  if (obstacle !== undefined) send(response, obstacle.status, obstacle.headers);
  return obstacle !== undefined;
}

function watch(dialog: SrfDialog, listener: DialogListener, credentials?: OutboundCredentials): SipDialog {
  dialog.on('destroy', (request) =>
    listener.onBye({ reason: request?.get('Reason'), isLost: request?.source === 'application' }),
  );
  dialog.on('ack', (request) => listener.onAck(request.body ?? '', cseqOf(request)));
  // drachtio-srf tells of an ACK and an UPDATE a turn later: without the same here a re-INVITE would overtake the ACK before it.
  dialog.on('modify', (request, response) => setImmediate(offer, listener, 'INVITE', request, response));
  dialog.on('update', (request, response) => offer(listener, 'UPDATE', request, response));
  dialog.on('options', (_request, response) => send(response, 200, { Allow: ALLOW }));
  for (const verb of DIALOG_VERBS)
    dialog.on(verb, (request, response) => {
      if (!isRefused(request, response)) listener.onRequest(inboundRequest(request, response));
    });
  const { callId, localTag, remoteTag } = dialog.sip;
  return {
    sipCallId: callId,
    localTag,
    remoteTag,
    isUac: dialog.type === 'uac',
    infoPackages: readInfoPackages((dialog.type === 'uac' ? dialog.res : dialog.req).get('Recv-Info')),
    request: async (method, body, headers = {}) => {
      const type = body === '' ? {} : SDP_TYPE;
      return requestInside(dialog, { method, body, headers: { ...type, ...headers } }, credentials);
    },
    bye: async (reason) => {
      const headers = reasonHeader(reason);
      if (credentials === undefined) return new Promise((resolve) => dialog.destroy({ headers }, () => resolve()));
      // drachtio-srf's own BYE keeps its response to itself. The engine knows the dialog until one is no challenge.
      await requestInside(dialog, { method: 'BYE', body: '', headers }, credentials);
      dialog.removeAllListeners();
    },
  };
}

const ignore = (): void => {};

function reasonHeader(reason: string | undefined): Record<string, string> {
  return reason === undefined ? {} : { Reason: reason };
}

function send(response: SrfResponse, status: number, headers: SipHeaders, body?: string): void {
  const options = sendOptions(headers, body);
  try {
    response.send(status, options);
  } catch {
    // drachtio-srf knows the registered statuses only; x00 means the same to whoever gets it (RFC 3261 §8.1.3.2).
    response.send(Math.floor(status / 100) * 100, options);
  }
}

/** Drachtio-srf calls back for what was sent reliably only; an unregistered status is told as 183. */
function sendProvisional(
  response: SrfResponse,
  { status, headers, body }: { status: number; headers: SipHeaders; body: string | undefined },
  onPrack: (body: string) => void,
): void {
  const heard = (prack: SrfMessage): void => onPrack(prack.body ?? '');
  try {
    response.send(status, sendOptions(headers, body), ignore, heard);
  } catch {
    response.send(183, sendOptions(headers, body), ignore, heard);
  }
}

function sendOptions(headers: SipHeaders, body: string | undefined): SendOptions {
  return body === undefined ? { headers: { ...headers } } : { headers: { ...headers, ...SDP_TYPE }, body };
}
