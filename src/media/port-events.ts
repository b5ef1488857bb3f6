/** What the calls are told of ports: under the names of their owners, and each key once. */
import type { DigitPress, MediaEvent, PortOwner } from '../calls/index.ts';
import { type Clock, Emitter, type Logger, type PortId, type Unsubscribe } from '../kernel/index.ts';
import { DigitOnce } from './digit-once.ts';
import type { EdgeEvent } from './edge/index.ts';
import type { WebRtcPortState } from './webrtc-port.ts';

/** What the edge says that is not for the plane itself. */
type EdgeNews = Exclude<EdgeEvent, { kind: 'heard' | 'playout' | 'flow' | 'moved' | 'quiet' }>;

export interface PortEventsParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether keys of this port's remote go past the edge. */
  readonly isPast: (portId: PortId) => boolean;
}

export class PortEvents {
  readonly #parts: PortEventsParts;
  readonly #events = new Emitter<{ media: MediaEvent }>();
  readonly #once = new DigitOnce();
  #digitsPast = 0;

  constructor(parts: PortEventsParts) {
    this.#parts = parts;
  }

  /** Keys that the edge has not seen. */
  get digitsPast(): number {
    return this.#digitsPast;
  }

  on(listener: (event: MediaEvent) => void): Unsubscribe {
    return this.#events.on('media', listener);
  }

  forget(portId: PortId): void {
    this.#once.forget(portId);
  }

  /** A browser's port, or its worker, is in another state. */
  state(owner: PortOwner, state: WebRtcPortState | 'worker'): void {
    this.#events.emit('media', stateEvent(owner, state));
  }

  /** A key that went past the edge. */
  digitPast(owner: PortOwner, press: Omit<DigitPress, 'form'>): void {
    if (this.#digit(owner, { ...press, form: 'events' })) this.#digitsPast += 1;
  }

  /** The edge has something to say of a port. */
  edge({ portId, callId, legId }: PortOwner, event: EdgeNews): void {
    if (event.kind === 'srtp-failed') {
      this.#parts.logger.warn(
        { callId, legId, packets: event.packets },
        'SRTP packets dropped: forged, repeated or another key',
      );
    } else if (event.kind === 'digit') {
      // Of a key that goes past it, it has seen the beginning at most.
      if (!this.#parts.isPast(portId)) this.#digit({ portId, callId, legId }, event);
    } else this.#events.emit('media', { ...event, portId, callId, legId });
  }

  #digit({ portId, callId, legId }: PortOwner, { digit, durationMs, form }: DigitPress): boolean {
    if (!this.#once.isNew(portId, { digit, durationMs }, this.#parts.clock.now())) return false;
    this.#events.emit('media', { kind: 'digit', portId, callId, legId, digit, durationMs, form });
    return true;
  }
}

function stateEvent({ portId, callId, legId }: PortOwner, state: WebRtcPortState | 'worker'): MediaEvent {
  if (state === 'up') return { kind: 'port-up', portId, callId, legId };
  if (state === 'away') return { kind: 'port-disconnected', portId, callId, legId };
  return { kind: 'port-failed', portId, callId, legId, reason: state };
}
