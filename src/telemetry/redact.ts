/** Cuts secrets out of the fields of a log line, by name, wherever they might slip in. */
import type { LogFields } from '../kernel/index.ts';

const SECRETS = new Set(['password', 'secret', 'token', 'authorization', 'ha1', 'key']);
const CENSOR = '[secret]';

/** The same for the fields bound to a child logger, which pass no formatter: serializers by the secrets' names. */
export const hiddenSecrets = Object.fromEntries([...SECRETS].map((name) => [name, () => CENSOR]));

/**
 * The fields themselves when there is nothing to hide, which is nearly always: then nothing is copied. (pino's own
 * redaction copies every line, which was a fifth of all that the control thread allocated for a call.)
 */
export function withoutSecrets(fields: LogFields): LogFields {
  let clean: LogFields | undefined;
  // oxlint-disable-next-line eslint/guard-for-in -- inherited fields do no harm
  for (const name in fields) {
    const value = fields[name];
    const shown = shownAs(name, value);
    if (shown === value) continue;
    clean ??= { ...fields };
    clean[name] = shown;
  }
  return clean ?? fields;
}

function shownAs(name: string, value: unknown): unknown {
  if (value === undefined) return value;
  if (SECRETS.has(name)) return CENSOR;
  if (typeof value !== 'object' || value === null) return value;
  const hidden: LogFields = {};
  let hasHidden = false;
  for (const inner of Object.keys(value)) {
    if (!SECRETS.has(inner)) continue;
    hidden[inner] = CENSOR;
    hasHidden = true;
  }
  if (!hasHidden) return value;
  // An Error stays one, with its message and stack, behind what hides its secrets.
  return value instanceof Error ? Object.assign(Object.create(value) as object, hidden) : { ...value, ...hidden };
}
