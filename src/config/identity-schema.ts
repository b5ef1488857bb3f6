/** Whom to believe about callers and what headers to let through: part of a profile, and of a trunk that differs from it. */
import { z } from 'zod';

const headerName = z
  .string()
  .regex(
    /^(?:Diversion|History-Info|Referred-By|User-to-User|X-(?!Viaduct-)[a-z0-9._-]{0,59}[a-z0-9*])$/i,
    'Diversion, History-Info, Referred-By, User-to-User or X-…, as X-Customer or X-Acme-*',
  );
const names = z.array(headerName).max(64);

const trust = z
  .boolean()
  .describe(
    'believe its P-Asserted-Identity, and tell it who calls even where that is private (RFC 3325); for trunks and phones of yours',
  );
const accept = names.describe(
  'headers of its INVITEs that may go on: Diversion, History-Info, Referred-By, User-to-User, X-…',
);
const send = names.describe('headers that it gets, when the other side may send them');
const diversion = z.boolean().describe('tell it with Diversion that a call was for a user first (RFC 5806)');

export const identitySchemas = {
  trust: trust.default(false),
  headers: z.strictObject({ accept: accept.default([]), send: send.default([]) }).prefault({}),
  diversion: diversion.default(false),
};

/** What a trunk leaves out its profile says. */
export const trunkIdentitySchemas = {
  trust: trust.optional(),
  headers: z.strictObject({ accept: accept.optional(), send: send.optional() }).optional(),
  diversion: diversion.optional(),
};
