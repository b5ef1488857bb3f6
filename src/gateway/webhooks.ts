/** Who is told of calls by HTTP, from the configuration. */
import { CallEventFeed, type CallObserver } from '../calls/index.ts';
import { hookErrors, Webhooks } from '../hooks/index.ts';
import { clock, type Parts, random } from './parts.ts';
import { secretIn } from './secret-in.ts';

/** Of each server. */
const CONCURRENCY = 16;
/** At the end of the gateway. */
const FAREWELL_MS = 3_000;

/** Throws WEBHOOK_SECRET when a key is missing or malformed. */
export function startWebhooks({ config, logger, scope }: Parts, observers: CallObserver[]): readonly Webhooks[] {
  const feed = new CallEventFeed({ clock, random });
  observers.push((event) => feed.observe(event));
  return config.webhooks.map(({ url, secretEnv, events, timeoutSec, attempts, maxWaiting, allowPrivate }) => {
    const secret = secretIn(secretEnv) ?? '';
    if (!isKey(secret)) throw hookErrors.WEBHOOK_SECRET([url, secretEnv]);
    const webhooks = new Webhooks({
      target: {
        url,
        secret,
        events: new Set(events),
        timeoutMs: timeoutSec * 1000,
        attempts,
        mayBePrivate: allowPrivate,
      },
      maxWaiting,
      concurrency: CONCURRENCY,
      clock,
      random,
      logger,
    });
    scope.add(() => webhooks.close(FAREWELL_MS));
    scope.add(feed.subscribe((event) => webhooks.take(event)));
    return webhooks;
  });
}

/** Standard Webhooks: 24 to 64 bytes. */
function isKey(secret: string): boolean {
  const text = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1] ?? '';
  const bytes = Buffer.from(text, 'base64').length;
  return bytes >= 24 && bytes <= 64;
}
