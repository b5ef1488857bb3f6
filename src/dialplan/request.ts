/** One call as the rules see it. */
import type { CallSource } from './schema.ts';

/** A party of the call. */
export interface DialedParty {
  readonly user: string;
  readonly host: string;
}

export interface RouteRequest {
  /** The caller: for a `user` the authenticated one, not what From claims. */
  readonly from: DialedParty;
  /** The Request-URI, taken apart and whole. */
  readonly to: DialedParty;
  readonly uri: string;
  /** The trunk the call came from. */
  readonly trunk?: string | undefined;
  /** The tenant of the calling user or trunk. */
  readonly tenant: string;
  /** `user`: proven by digest. `trunk`: known by its address. `anonymous`: neither. */
  readonly source: CallSource;
  /** The value of a header of the INVITE. */
  readonly headers: (name: string) => string | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The trunks and trunk groups that the caller's tenant may use, by name, in the order of the configuration. */
  readonly trunks: readonly string[];
  /** Exact numbers that nothing may hold up; a user of that name is called before. */
  readonly emergencyNumbers: readonly string[];
  /** Whether a user of the caller's tenant has that name. */
  readonly isUser: (name: string) => boolean;
}
