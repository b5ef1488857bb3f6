import { catalogue } from '../kernel/index.ts';

export const dialplanErrors = catalogue({
  DIALPLAN_INVALID: { retryable: false, text: '%s' },
});
