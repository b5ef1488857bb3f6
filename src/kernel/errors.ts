/** One entry of an error catalogue. `sip` is the status owed when the error ends a SIP request. */
export interface ErrorEntry {
  readonly sip?: number;
  readonly retryable: boolean;
  /** A sentence for people; `%s` are filled from the arguments in order. */
  readonly text: string;
}

/** An error told apart by its code, never by its text, and carrying its verdict. */
export class CodedError extends Error {
  readonly code: string;
  readonly sip: number | undefined;
  readonly retryable: boolean;

  constructor(code: string, entry: ErrorEntry, args: readonly (string | number)[], options?: ErrorOptions) {
    super(fill(entry.text, args), options);
    this.name = 'CodedError';
    this.code = code;
    this.sip = entry.sip;
    this.retryable = entry.retryable;
  }
}

export type Raise = (args?: readonly (string | number)[], options?: ErrorOptions) => CodedError;

function fill(text: string, args: readonly (string | number)[]): string {
  let next = 0;
  return text.replaceAll('%s', () => String(args[next++] ?? '?'));
}

/** Turns entries into functions that make the errors: `throw errors.TRUNK_UNREACHABLE([name], { cause })`. */
export function catalogue<const Entries extends Record<string, ErrorEntry>>(
  entries: Entries,
): { readonly [Code in keyof Entries]: Raise } & { readonly entries: Entries } {
  const raisers: Record<string, Raise> = {};
  for (const [code, entry] of Object.entries(entries)) {
    raisers[code] = (args = [], options) => new CodedError(code, entry, args, options);
  }
  return Object.assign(raisers as { [Code in keyof Entries]: Raise }, { entries });
}
