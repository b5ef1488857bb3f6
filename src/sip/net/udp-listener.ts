/** SIP over UDP: RFC 3261 §18. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { ListenerAddress, SendTarget } from '../engine/index.ts';
import { asNumber } from './address.ts';
import { failLater, type OnFailed } from './connection.ts';
import { codeOf } from './errors.ts';
import type { Household, Listener, ListenerSetup } from './listener.ts';
import { QueueProbe } from './queue-probe.ts';
import { isStun, stunAnswer } from './stun.ts';

/** A burst of calls must fit while the event loop is busy elsewhere; the system may grant less. */
const RECEIVE_BUFFER_BYTES = 4_194_304;

export class UdpListener implements Listener {
  readonly where: ListenerAddress;
  readonly #socket: Socket;
  readonly #home: Household;
  #probe: QueueProbe | undefined;

  private constructor(where: ListenerAddress, socket: Socket, home: Household) {
    this.where = where;
    this.#socket = socket;
    this.#home = home;
  }

  static async open({ address, port, home, describe }: ListenerSetup): Promise<UdpListener> {
    const socket = createSocket({
      type: isIPv6(address) ? 'udp6' : 'udp4',
      ipv6Only: isIPv6(address),
      // Addresses are numbers already: no detour through the resolver for each datagram.
      lookup: (host, _options, callback) => callback(null, host, isIPv6(host) ? 6 : 4),
    });
    // Asked for first: with this lookup the socket may be bound before bind() returns.
    const listening = once(socket, 'listening');
    socket.bind({ address, port, exclusive: true });
    try {
      await listening;
    } catch (error) {
      socket.close();
      throw error;
    }
    const listener = new UdpListener(describe(socket.address().port), socket, home);
    listener.#start();
    const bound = listener.where;
    if (home.isProbed) listener.#probe = await QueueProbe.open(home.clock, bound.address, bound.port);
    return listener;
  }

  get queueDelayMs(): number {
    return this.#probe?.delayMs ?? 0;
  }

  #start(): void {
    const { logger } = this.#home;
    try {
      this.#socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    } catch (error) {
      logger.debug({ error }, 'receive buffer not enlarged');
    }
    this.#socket.on('error', (error) => logger.warn({ error, port: this.where.port }, 'udp socket error'));
    this.#socket.on('message', (data, remote) => this.#received(data, remote.address, remote.port));
  }

  #received(data: Buffer, address: string, port: number): void {
    if (isKeepAlive(data) || this.#probe?.took(data, address, port) === true) return;
    if (isStun(data)) return this.#answerStun(data, address, port);
    const { id, address: localAddress, port: localPort } = this.where;
    this.#home.intake.received(
      {
        transport: 'udp',
        listenerId: id,
        localAddress,
        localPort,
        remoteAddress: address,
        remotePort: port,
        connectionId: undefined,
      },
      data,
    );
  }

  /** A client behind NAT learns by it that the way is open and still the same one (RFC 5626 §4.4.2). */
  #answerStun(data: Buffer, address: string, port: number): void {
    const answer = stunAnswer(data, address, port);
    if (answer === undefined) this.#home.tally.dropped++;
    else this.#socket.send(answer, port, address, () => {});
  }

  send(target: SendTarget, data: Buffer, onFailed: OnFailed): void {
    const number = asNumber(target.address);
    if (number === undefined) return failLater(onFailed, 'unreachable');
    this.#home.tally.messagesOut++;
    this.#socket.send(data, target.port, number, (error) => {
      if (error !== null) failLater(onFailed, codeOf(error) === 'ECONNREFUSED' ? 'refused' : 'unreachable');
    });
  }

  updateTls(): void {}

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#probe?.close();
    this.#socket.close();
    await closed;
  }
}

/** Phones behind NAT send line breaks, or a few bytes that are nothing, to keep the way open; nobody waits for an answer. */
function isKeepAlive(data: Buffer): boolean {
  return data.length <= 4;
}
