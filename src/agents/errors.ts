import { catalogue } from '../kernel/index.ts';

/** What goes wrong with an agent. The call goes on to the route's fallback, or ends. */
export const agentErrors = catalogue({
  AGENT_TIMEOUT: { sip: 503, retryable: true, text: 'The agent at %s did not take the connection within %s ms' },
  AGENT_UNREACHABLE: { sip: 503, retryable: true, text: 'The agent at %s cannot be reached: %s' },
  AGENT_FAULT: { sip: 503, retryable: true, text: 'The agent at %s reports the error %s' },
  AGENT_LOST: { sip: 503, retryable: true, text: 'The agent at %s closed the connection with code %s' },
  AGENT_SILENT: { sip: 503, retryable: true, text: 'The agent at %s has not even answered pings for %s ms' },
  AGENT_DEAF: { sip: 503, retryable: true, text: 'The agent at %s does not read: more than %s bytes wait for it' },
  AGENT_VOICE_STATUS: { sip: 503, retryable: true, text: 'The voice application at %s answered %s instead of TwiML' },
  AGENT_TWIML: { sip: 503, retryable: false, text: 'No usable TwiML: %s' },
  AGENT_TWIML_LOOP: { sip: 503, retryable: false, text: '%s documents of TwiML one after another that did nothing' },
});
