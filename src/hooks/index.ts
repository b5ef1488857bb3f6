export { createRouteHook, type RouteHookOptions } from './route-hook.ts';
