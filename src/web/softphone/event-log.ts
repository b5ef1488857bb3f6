/** What happened when, in `performance.now()` milliseconds: for measurements and for bug reports. */
export type PhoneEventName =
  | 'registered'
  | 'line-lost'
  | 'refused'
  | 'click'
  | 'invite-sent'
  | 'trying'
  | 'ringing'
  | 'incoming'
  | 'answer-click'
  | 'answered'
  | 'media-connected'
  | 'first-rtp'
  | 'network-changed'
  | 'media-away'
  | 'ice-restart'
  | 'media-back'
  | 'transfer-click'
  | 'transferred'
  | 'hang-up-click'
  | 'ended';

export interface PhoneEvent {
  readonly name: PhoneEventName;
  readonly at: number;
  /** The SIP status or the trouble, where there is one. */
  readonly detail?: string | number;
}

const MOST = 500;

export class EventLog {
  readonly #events: PhoneEvent[] = [];

  add(name: PhoneEventName, detail?: string | number): void {
    this.#events.push({ name, at: performance.now(), ...(detail === undefined ? {} : { detail }) });
    if (this.#events.length > MOST) this.#events.shift();
  }

  /** Oldest first. */
  get events(): readonly PhoneEvent[] {
    return [...this.#events];
  }
}
