/** What one source may send before it is shed, and what all strangers together may. Messages per second. */
export interface FloodLimits {
  /** INVITE. */
  readonly callsPerSec: number;
  /** REGISTER, SUBSCRIBE, PUBLISH. */
  readonly registrationsPerSec: number;
  /** OPTIONS, MESSAGE and every other request. */
  readonly requestsPerSec: number;
  /** Responses, ACK, BYE, CANCEL, PRACK, UPDATE. */
  readonly followUpsPerSec: number;
  /** Everything but follow-ups, from all sources together that are neither trusted nor known by a registration. */
  readonly strangersPerSec: number;
  /** So many seconds of its rate a source may send at once after a silence. */
  readonly burstSec: number;
  /** A source that has registered may send so many times as much. */
  readonly knownFactor: number;
}

/** An office of some hundred phones behind one address stays well below. */
export const DEFAULT_FLOOD_LIMITS: FloodLimits = {
  callsPerSec: 50,
  registrationsPerSec: 100,
  requestsPerSec: 100,
  followUpsPerSec: 1000,
  strangersPerSec: 50,
  burstSec: 2,
  knownFactor: 10,
};
