import { catalogue } from '../kernel/index.ts';

/** Everything the media plane can refuse, with the SIP status owed for it. */
export const mediaErrors = catalogue({
  MEDIA_NO_WORKER: { sip: 503, retryable: true, text: 'no media worker is running' },
  MEDIA_WORKER_MISSING: { retryable: false, text: 'the media worker %s did not start: run "node scripts/worker.mjs"' },
  MEDIA_LISTEN_IN_USE: {
    retryable: false,
    text: 'port %s of %s is taken: end what uses it, or set media.webRtcPort (VIADUCT_MEDIA_WEB_RTC_PORT) to another port',
  },
  MEDIA_MUSIC: {
    retryable: false,
    text: 'music on hold from %s: %s. Set media.musicOnHold to a WAV file of 16-bit PCM, to melody, or to none',
  },
  MEDIA_NO_SOUND: { retryable: false, text: 'the sound %s cannot be played: %s' },
  MEDIA_PORT_UNKNOWN: { sip: 500, retryable: false, text: 'media port %s is not open' },
  MEDIA_PORT_EXISTS: { sip: 500, retryable: false, text: 'media port %s is open already' },
  MEDIA_PORT_KIND: { sip: 500, retryable: false, text: 'media port %s is of kind %s, not %s' },
  MEDIA_PAYLOAD_TYPE: { sip: 488, retryable: false, text: '%s cannot have payload type %s beside what the Leg has' },
  MEDIA_NO_CODECS: { sip: 488, retryable: false, text: 'media port %s has no audio codec' },
});
