import { catalogue } from '../../kernel/index.ts';

export const edgeErrors = catalogue({
  MEDIA_NO_PORTS: { sip: 503, retryable: true, text: 'No free RTP port pair between %s and %s' },
  MEDIA_UNKNOWN_PORT: { sip: 500, retryable: false, text: 'The edge has no port %s' },
  MEDIA_NO_FAMILY: { sip: 488, retryable: false, text: 'No media address of %s is configured' },
  MEDIA_BAD_ADDRESS: { sip: 488, retryable: false, text: 'The media address %s cannot be reached from a socket on %s' },
  MEDIA_NO_PATH: { sip: 488, retryable: false, text: 'No way to transcode between %s and %s' },
  MEDIA_NO_NATIVE_OPUS: {
    retryable: false,
    text: 'media.opus is native, but there is no native Opus here (%s): install gcc and libopus-dev and start with npm start, or set media.opus (VIADUCT_MEDIA_OPUS) to auto',
  },
  MEDIA_NOT_SHARED: { sip: 500, retryable: true, text: 'The UDP port of %s could not be shared' },
  MEDIA_EDGE_FAILED: { sip: 503, retryable: true, text: 'The edge thread failed: %s' },
});
