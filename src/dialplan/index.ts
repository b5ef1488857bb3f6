export { type Destination, type DialedParty, decide, type RouteDecision, type RouteRequest } from './decide.ts';
export { dialplanErrors } from './errors.ts';
export { parseDialplan } from './parse.ts';
export { type CallSource, type Dialplan, dialplanSchema, type Rule } from './schema.ts';
