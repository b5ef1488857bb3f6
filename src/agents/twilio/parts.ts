/** What an agent of this protocol is configured with, and what it is built with. */
import type { Clock, Logger, Random } from '../../kernel/index.ts';
import type { AgentEndpoint } from '../endpoint.ts';
import type { Template } from '../template.ts';
import type { CallBook } from './call-book.ts';

/** Its URL is that of a stream (ws:, wss:), or of a voice application that answers with TwiML (http:, https:). */
export interface TwilioAgent extends AgentEndpoint {
  /** Handed to the application as `customParameters`. */
  readonly parameters: Readonly<Record<string, Template>>;
  readonly accountSid: string;
  /** Its TwiML may lead to private addresses other than its own host. */
  readonly mayBePrivate: boolean;
  /** Signs what we ask, as X-Twilio-Signature, and opens the calls to whoever has it; undefined: neither. */
  readonly authToken: string | undefined;
}

export interface TwilioParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly calls: CallBook;
}
