import { catalogue } from '../kernel/index.ts';

export const storeErrors = catalogue({
  STORE_UNUSABLE: {
    retryable: false,
    text: '%s: the store cannot be opened; make the folder writable or set `data` to another one',
  },
  STORE_CORRUPT: {
    retryable: false,
    text: '%s: the store is damaged or no store at all; move the file away to start with an empty one (registrations and call records in it are lost)',
  },
  STORE_IN_USE: {
    retryable: false,
    text: '%s: another process has the store open; stop it or set `data` to another folder',
  },
  STORE_TOO_NEW: {
    retryable: false,
    text: '%s: a newer Viaduct wrote the store (schema %s, this one knows %s); run that version or set `data` to another folder',
  },
  STORE_CLOSED: { sip: 503, retryable: false, text: 'The store is closed' },
  STORE_FAILED: { sip: 500, retryable: true, text: '%s: the store could not write; check the space on its disk' },
});
