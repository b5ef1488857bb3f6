/** What went through the sockets since they were opened. */
export interface NetCounters {
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Requests that could not be parsed but could be answered. */
  readonly refused: number;
  /** Datagrams, frames and stream pieces that could not be answered either. */
  readonly dropped: number;
  /** Messages over the budget of their source, unread. */
  readonly shed: number;
  /** Those of them that were answered 503. */
  readonly shedAnswered: number;
  readonly connectionsOpen: number;
  /** Connections closed at once because a limit was reached or the upgrade was not acceptable. */
  readonly connectionsRejected: number;
  /** Connections closed for being idle, slow or dead. */
  readonly connectionsReaped: number;
}

/** The same, for those who count. */
export type NetTally = { -readonly [Name in keyof NetCounters]: NetCounters[Name] };

export function createTally(): NetTally {
  return {
    messagesIn: 0,
    messagesOut: 0,
    refused: 0,
    dropped: 0,
    shed: 0,
    shedAnswered: 0,
    connectionsOpen: 0,
    connectionsRejected: 0,
    connectionsReaped: 0,
  };
}
