/**
 * The line to the gateway: SIP over WebSocket (RFC 7118), one registration, and both back by themselves after the
 * connection is lost. sip.js does neither: it connects once.
 */
import { type Invitation, Registerer, type SessionDescriptionHandlerFactory, type URI, UserAgent, Web } from 'sip.js';
import { type Clock, Emitter, type Timer } from '../../kernel/index.ts';
import { backoffMs } from './backoff.ts';
import type { LineState } from './hook.ts';
import type { Account } from './sign-in.ts';
import { troubleOfStatus } from './trouble.ts';

export interface LineEvents {
  readonly state: LineState;
  readonly invited: Invitation;
  /** The gateway has just been heard: after a registration, and after a `check`. */
  readonly confirmed: undefined;
  /** A SIP message was handed to the WebSocket: its first line. */
  readonly sent: string;
}

const EXPIRES_SEC = 600;
const KEEP_ALIVE_MS = 15_000;
/** How long the gateway may take to answer a keep-alive before the connection counts as dead. */
const PONG_MS = 4_000;
/** The same when there is reason to doubt: at worst a connection is made anew that was only slow. */
const DOUBTFUL_PONG_MS = 1_000;
const CONNECT_TIMEOUT_SEC = 3;
/** Longer than any gateway takes to answer a REGISTER, shorter than SIP's own 32 s. */
const REGISTER_TIMEOUT_MS = 5_000;

interface WatchedOptions {
  readonly server: string;
  readonly connectionTimeout: number;
  readonly traceSip: boolean;
  readonly onSent: (message: string) => void;
  readonly onHeard: () => void;
}

/** sip.js's WebSocket transport that tells when it sends and when anything is heard. */
class WatchedTransport extends Web.Transport {
  readonly #onSent: (message: string) => void;
  readonly #onHeard: () => void;

  constructor(logger: ConstructorParameters<typeof Web.Transport>[0], options: WatchedOptions) {
    super(logger, options);
    this.#onSent = options.onSent;
    this.#onHeard = options.onHeard;
  }

  override connect(): Promise<void> {
    const connected = super.connect();
    this.ws?.addEventListener('message', this.#onHeard);
    return connected;
  }

  /** Does not wait for a peer that is not there to agree that the connection is closed, which takes a browser seconds. */
  abandon(): void {
    const { ws } = this;
    ws?.dispatchEvent(new CloseEvent('close', { code: 1006 }));
    ws?.close();
  }

  override send(message: string): Promise<void> {
    const sent = super.send(message);
    this.#onSent(message);
    return sent;
  }
}

export class Line {
  readonly #clock: Clock;
  readonly #events = new Emitter<LineEvents>();
  readonly #agent: UserAgent;
  #registerer: Registerer;
  #isRegistering = false;
  #state: LineState = { kind: 'connecting' };
  #attempt = 0;
  #isStopped = false;
  #isDoubtful = false;
  #retry: Timer | undefined;
  #probe: Timer | undefined;
  #registerTimeout: Timer | undefined;

  constructor(
    clock: Clock,
    account: Account,
    uri: URI,
    options: { instanceId: string; descriptions: SessionDescriptionHandlerFactory },
  ) {
    this.#clock = clock;
    const watched: WatchedOptions = {
      server: account.server,
      connectionTimeout: CONNECT_TIMEOUT_SEC,
      traceSip: false,
      onSent: (message) => this.#events.emit('sent', message.slice(0, message.indexOf('\r\n'))),
      onHeard: () => this.#onHeard(),
    };
    this.#agent = new UserAgent({
      uri,
      authorizationUsername: account.user,
      authorizationPassword: account.password,
      // One contact for the life of the tab, so that a reload or a reconnect replaces the binding.
      contactName: options.instanceId.slice(0, 8),
      viaHost: `${options.instanceId.slice(-12)}.invalid`,
      instanceId: options.instanceId,
      transportConstructor: WatchedTransport,
      transportOptions: watched,
      sessionDescriptionHandlerFactory: options.descriptions,
      logBuiltinEnabled: false,
      logConfiguration: false,
      userAgentString: 'Viaduct softphone',
      delegate: {
        onConnect: () => this.#register(),
        onDisconnect: () => this.#onDisconnect(),
        onInvite: (invitation) => this.#events.emit('invited', invitation),
      },
    });
    this.#registerer = this.#makeRegisterer();
  }

  get state(): LineState {
    return this.#state;
  }

  get agent(): UserAgent {
    return this.#agent;
  }

  on<Name extends keyof LineEvents>(name: Name, listener: (event: LineEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** Connects and registers; what becomes of it is told by `state`. */
  start(): void {
    this.#agent.start().catch(() => this.#connectLater());
  }

  /** The network changed or the page woke up: look at once whether the connection still lives, and make another if not. */
  check(): void {
    if (this.#isStopped || this.#state.kind === 'refused' || this.#isDoubtful) return;
    if (this.#state.kind === 'online') {
      this.#isDoubtful = true;
      this.#sendProbe(DOUBTFUL_PONG_MS);
    } else if (!this.#agent.isConnected()) {
      this.#attempt = 0;
      this.#connectNow();
    }
  }

  /** Takes the registration back and disconnects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimers();
    this.#move({ kind: 'signed-out' });
    await this.#agent.stop().catch(() => {});
  }

  #makeRegisterer(): Registerer {
    return new Registerer(this.#agent, {
      expires: EXPIRES_SEC,
      instanceId: this.#agent.instanceId,
      regId: 1,
      refreshFrequency: 80,
      logConfiguration: false,
    });
  }

  #register(): void {
    // A REGISTER that was in flight when the connection broke would block its Registerer for 32 s.
    if (this.#isRegistering) this.#registerer = this.#makeRegisterer();
    this.#isRegistering = true;
    this.#registerTimeout?.cancel();
    this.#registerTimeout = this.#clock.after(REGISTER_TIMEOUT_MS, () => this.#abandonConnection());
    const settle = (next: () => void): void => {
      this.#registerTimeout?.cancel();
      this.#isRegistering = false;
      if (!this.#isStopped) next();
    };
    this.#registerer
      .register({
        requestDelegate: {
          onAccept: () => settle(() => this.#onRegistered()),
          onReject: (response) => settle(() => this.#onRejected(response.message.statusCode ?? 500)),
        },
      })
      .catch(() => settle(() => this.#abandonConnection()));
  }

  #onRegistered(): void {
    this.#attempt = 0;
    this.#scheduleProbe();
    this.#move({ kind: 'online' });
    this.#events.emit('confirmed', undefined);
  }

  #onRejected(status: number): void {
    if (status === 423) return; // sip.js asks again with the interval it was told
    if (status >= 500 || status === 408) this.#abandonConnection();
    else {
      const trouble = status === 403 || status === 404 ? 'wrong-password' : troubleOfStatus(status);
      this.#cancelTimers();
      this.#move({ kind: 'refused', trouble });
    }
  }

  #onHeard(): void {
    this.#scheduleProbe();
    if (!this.#isDoubtful) return;
    this.#isDoubtful = false;
    this.#events.emit('confirmed', undefined);
  }

  #onDisconnect(): void {
    const wasDoubtful = this.#isDoubtful;
    this.#isDoubtful = false;
    this.#probe?.cancel();
    this.#registerTimeout?.cancel();
    if (this.#isStopped || this.#state.kind === 'refused') return;
    this.#connectLater();
    // It is our network that changed, not the gateway that went away: no need to spare it.
    if (wasDoubtful) this.#connectNow();
  }

  #abandonConnection(): void {
    const { transport } = this.#agent;
    if (transport instanceof WatchedTransport) transport.abandon();
  }

  #connectLater(): void {
    if (this.#isStopped || this.#retry !== undefined) return;
    this.#move({ kind: 'reconnecting', attempt: this.#attempt });
    this.#retry = this.#clock.after(backoffMs(this.#attempt++, Math.random()), () => this.#connectNow());
  }

  #connectNow(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#agent.reconnect().catch(() => this.#connectLater());
  }

  /** RFC 5626 §3.5.1: an empty double line; the gateway answers with a single one. */
  #sendProbe(pongMs = PONG_MS): void {
    this.#probe?.cancel();
    this.#probe = this.#clock.after(pongMs, () => this.#abandonConnection());
    this.#agent.transport.send('\r\n\r\n').catch(() => {});
  }

  #scheduleProbe(): void {
    this.#probe?.cancel();
    this.#probe = this.#clock.after(KEEP_ALIVE_MS, () => this.#sendProbe());
  }

  #cancelTimers(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#probe?.cancel();
    this.#registerTimeout?.cancel();
  }

  #move(state: LineState): void {
    this.#state = state;
    this.#events.emit('state', state);
  }
}
