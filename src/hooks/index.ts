export { hookErrors } from './errors.ts';
export { createRouteHook, type RouteHookOptions } from './route-hook.ts';
export { type WebhookCounters, Webhooks, type WebhooksOptions, type WebhookTarget } from './webhooks.ts';
