/** What makes the provisional responses of one INVITE reliable, as its transaction and dialog see it (RFC 3262 §3). */

/** What matters of an answer for its turn. */
export interface Turn {
  readonly status: number;
  readonly isReliable: boolean;
}

export interface ReliableAnswers {
  /** Our offer or answer is in a response that waits for its PRACK. */
  readonly isWaitingWithSdp: boolean;
  /** A 2xx may overtake a response without SDP only; a refusal may overtake any. */
  mustWait(answer: Turn): boolean;
  /** Keeps `act` until the PRACK is there. False when too much is kept already. */
  hold(act: () => void): boolean;
  /** The RSeq of the next response. */
  nextNumber(): number;
  /** The response with that number has been sent: it is repeated from now on. */
  sent(response: Buffer, hasSdp: boolean): void;
  /** Whether this RAck names the response that waits; then it waits no longer. */
  acknowledged(rack: string): boolean;
  /** Does what waited for the PRACK; what has to wait for the next one is held again by itself. */
  release(): void;
  /** The INVITE has its final response: nothing is repeated any more. What was held finds no transaction. */
  stop(): void;
}
