/** What the gateway refused, or what became of the connection. */
export class RoomError extends Error {
  /** As in the gateway's table of error codes, or CONNECTION_LOST, CLOSED. */
  readonly code: string;
  readonly isRetryable: boolean;

  constructor(code: string, message: string, isRetryable = false) {
    super(message);
    this.name = 'RoomError';
    this.code = code;
    this.isRetryable = isRetryable;
  }
}
