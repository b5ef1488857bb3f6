/**
 * The connection to drachtio-srf: its callbacks and untyped objects end here and in the srf-*.ts beside it. Only its callback forms are used,
 * and dialogs get their listeners inside the callback: what shares a chunk with an echo would be lost on a promise.
 */
import Srf from 'drachtio-srf';
import type { Logger } from '../kernel/index.ts';
import { telephonyErrors } from './errors.ts';
import type {
  CredentialsTurn,
  EngineLink,
  EngineListener,
  EngineReading,
  OutboundCredentials,
  OutboundInvite,
  OutboundListener,
  OutboundRequest,
  SipHeaders,
  SipReply,
} from './sip-ports.ts';
import { commandsTaken, joinWrites } from './srf-commands.ts';
import { offer, watch } from './srf-dialog.ts';
import { answerEarlyBye, type EarlyInvites, inboundInvite } from './srf-invite.ts';
import { failureOf, type HeardReply, isSuccess, madeReply, replyOf, resendHeaders } from './srf-reply.ts';
import { inboundRequest } from './srf-request.ts';
import { reasonHeader, send } from './srf-send.ts';
import type { SrfApp, SrfError, SrfRequest, SrfResponse } from './srf-types.ts';

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

  get reading(): EngineReading | undefined {
    const [socket] = this.#srf.app.client.mapServer.keys();
    return socket?.localPort === undefined ? undefined : { port: socket.localPort, bytesRead: socket.bytesRead };
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
