/** Carriers and PBXs: where they are, how their servers are watched and tried, what they may carry. */
import { z } from 'zod';
import { trunkIdentitySchemas } from './identity-schema.ts';
import { name, tenant } from './name-schema.ts';
import { numbersSchema } from './numbers-schema.ts';
import { inboundAuthSchema, trunkAuthSchema, trunkRegisterSchema } from './trunk-auth-schema.ts';
import { trunkTlsSchema } from './trunk-tls-schema.ts';

const TARGET =
  'must be host[:port], as carrier.example or 192.0.2.1:5060, or a URI, as sip:carrier.example;transport=tls';
const target = z
  .string()
  .regex(
    /^(?:sips?:)?(?:\[[0-9a-f:.]+\]|[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*|[a-z0-9_.-]+)(?::\d{1,5})?(?:;transport=(?:udp|tcp|tls))?$/i,
    TARGET,
  );

const healthSchema = z.strictObject({
  intervalSec: z
    .number()
    .min(0)
    .max(3600)
    .default(30)
    .describe('between two OPTIONS to each resolved address; 0: none are sent'),
  timeoutSec: z.number().min(0.1).max(30).default(5).describe('after this an OPTIONS counts as unanswered'),
  failures: z.int().min(1).max(100).default(2).describe('so many unanswered in a row: the address is down'),
  successes: z.int().min(1).max(100).default(1).describe('so many answered in a row: it is up again'),
  suspectSec: z
    .number()
    .min(0)
    .max(3600)
    .default(30)
    .describe('how long an address comes last after a call found nobody there'),
  lastResort: z
    .boolean()
    .default(true)
    .describe('try addresses that are down when there are no others; a wrong verdict must not cut off the only way'),
});

const huntSchema = z.strictObject({
  tryTimeoutSec: z
    .number()
    .min(0.2)
    .max(60)
    .default(6)
    .describe('how long an address may say no more than 100 Trying before the next one is tried; the last one may'),
  failoverOn: z
    .array(z.int().min(500).max(599))
    .default([500, 502, 503, 504])
    .describe('the 5xx after which the next address, or trunk of a group, is tried; never once a phone has rung'),
});

const limitsSchema = z.strictObject({
  calls: z.int().min(0).max(1_000_000).optional().describe('calls at a time, both directions together'),
  callsPerSec: z.number().min(0.01).max(100_000).optional().describe('new calls each second, both directions together'),
});

export const trunkSchema = z.strictObject({
  name: name.describe('how the dialplan and the records call it'),
  tenant,
  addresses: z
    .array(z.string().min(1).max(253))
    .default([])
    .describe(
      'source addresses that belong to it: IP, IP/prefix length, IP:port or host name; none: those of `target`',
    ),
  certificateNames: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'names of which its TLS certificate must carry one (listener clientCa); with `addresses` both must be right',
    ),
  target: z
    .union([target, z.array(target).min(1).max(16)], TARGET)
    .describe('where calls to it are sent: host[:port] or URI, found by RFC 3263; of several the first is tried first'),
  transport: z
    .enum(['auto', 'udp', 'tcp', 'tls'])
    .default('auto')
    .describe('transport towards it; auto: as NAPTR and SRV say, else UDP'),
  tls: trunkTlsSchema.optional().describe('whom to believe and what to show, with transport tls'),
  auth: trunkAuthSchema.optional().describe('our account there: what its servers challenge is sent again with it'),
  inboundAuth: inboundAuthSchema
    .optional()
    .describe('its account here: its calls are known by digest from any address; with `addresses` both must be right'),
  register: trunkRegisterSchema.optional().describe('register there, and say so in time again; {}: with all defaults'),
  profile: name.default('trunks').describe('file in sip-profiles/ with its policy'),
  callerId: z
    .string()
    .regex(/^\+?[\w.*-]{1,64}$/, 'a number, as +4930123456')
    .optional()
    .describe(
      'number from which calls to it come, where the user has none and the rule names none; default: the caller’s',
    ),
  numbers: numbersSchema.optional().describe('how it writes telephone numbers; key by key before those of the profile'),
  ...trunkIdentitySchemas,
  health: healthSchema.prefault({}),
  hunt: huntSchema.prefault({}),
  limits: limitsSchema.prefault({}),
});

const memberSchema = z.strictObject({
  trunk: name.describe('name of a trunk'),
  priority: z.int().min(0).max(1000).default(1).describe('the lowest is tried first: the cheapest, for example'),
  weight: z.int().min(0).max(65_535).default(1).describe('among equal priorities: its share of the calls'),
});

export const trunkGroupSchema = z.strictObject({
  name: name.describe('how the dialplan calls it, in the place of a trunk'),
  members: z.array(memberSchema).min(1).max(32).describe('its trunks'),
});

export const nameServersSchema = z
  .array(
    z
      .string()
      .regex(
        /^(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?|[0-9a-f:]+:[0-9a-f:.]*)$/i,
        'must be IP or IP:port',
      ),
  )
  .default([])
  .describe('name servers asked for trunks, IP or IP:port; none: those of this machine');
