import { catalogue } from '../kernel/index.ts';

export const signalErrors = catalogue({
  REQUEST_MALFORMED: { retryable: false, text: 'the request %s is malformed: %s' },
  METHOD_UNKNOWN: { retryable: false, text: 'there is no request %s' },
  HELLO_FIRST: { retryable: false, text: 'the first request of a connection is hello, and there is one of it' },
  ROOM_FORBIDDEN: { retryable: false, text: 'the access token is for another room' },
  SESSION_TAKEN: { retryable: false, text: 'the session of the access token is in use, or over' },
  SESSION_MISMATCH: { retryable: false, text: 'the access token is not of this session' },
  TRANSPORT_UNKNOWN: { retryable: false, text: 'no such transport of this session, or not of this direction' },
  SUBSCRIPTION_UNKNOWN: { retryable: false, text: 'no such subscription of this session' },
  TOO_MANY_SUBSCRIPTIONS: { retryable: false, text: 'a participant may have %s subscriptions' },
  MEDIA_REFUSED: { retryable: false, text: 'the media plane refuses the parameters: %s' },
  INTERNAL: { retryable: true, text: 'the gateway failed; its log says how' },
});
