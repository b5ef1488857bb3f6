import { catalogue } from '../kernel/index.ts';

/** What goes wrong with an agent. The call goes on to the route's fallback, or ends. */
export const agentErrors = catalogue({
  AGENT_TIMEOUT: { sip: 503, retryable: true, text: 'The agent at %s did not take the connection within %s ms' },
  AGENT_UNREACHABLE: { sip: 503, retryable: true, text: 'The agent at %s cannot be reached: %s' },
  AGENT_LOST: { sip: 503, retryable: true, text: 'The agent at %s closed the connection with code %s' },
});
