/** What the parts of a gateway are built with. */
import type { Config } from '../config/index.ts';
import { type Logger, type Scope, systemClock, systemRandom } from '../kernel/index.ts';
import type { GatewayTls } from './tls.ts';

export const clock = systemClock;
export const random = systemRandom;

/** What a started gateway consists of, as far as later parts need earlier ones. */
export interface Parts {
  readonly config: Config;
  readonly logger: Logger;
  /** Whatever a part opens is closed here, newest first. */
  readonly scope: Scope;
  /** The address that SDP and the banner tell. */
  readonly announced: string;
  readonly tls: GatewayTls;
}
