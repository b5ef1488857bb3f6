/** Locating SIP servers: RFC 3263 §4, over questions and answers that others carry. */
import { isIP } from 'node:net';
import { CodedError } from '../../kernel/index.ts';
import type { CachedAnswer } from './dns-cache.ts';
import { locateErrors } from './errors.ts';
import type { DnsType, NaptrRecord, SrvRecord } from './records.ts';
import type { LocateTarget, LocateTransport } from './target.ts';

/** One address that a request for the target may be sent to. */
export interface LocatedServer {
  readonly transport: LocateTransport;
  readonly address: string;
  readonly port: number;
  /** The name asked for, which is what a certificate must prove (RFC 5922 §4). */
  readonly domain: string;
}

/** The addresses of one SRV record; of a host without SRV there is one record. */
export interface LocatedRecord {
  readonly priority: number;
  readonly weight: number;
  readonly servers: readonly LocatedServer[];
}

export interface Located {
  readonly records: readonly LocatedRecord[];
  /** On the Clock's `now()`; infinite for a number. */
  readonly expiresAt: number;
}

export interface LocateContext {
  /** What our listeners speak. */
  readonly transports: readonly LocateTransport[];
  /** The families of our listeners; IPv4 goes first, because that is what SDP announces. */
  readonly families: readonly ('ipv4' | 'ipv6')[];
  readonly lookup: <Type extends DnsType>(name: string, type: Type) => Promise<CachedAnswer<Type>>;
  /** What the operating system knows of a name, from its hosts file or by other means; empty when nothing. */
  readonly systemLookup: (name: string) => Promise<CachedAnswer<'A'>>;
}

const NONE: CachedAnswer<never> = { records: [], expiresAt: Number.POSITIVE_INFINITY };
const NAPTR_SERVICES: ReadonlyMap<string, LocateTransport> = new Map([
  ['SIP+D2U', 'udp'],
  ['SIP+D2T', 'tcp'],
  ['SIPS+D2T', 'tls'],
]);
const SRV_PREFIX: Readonly<Record<LocateTransport, string>> = {
  udp: '_sip._udp.',
  tcp: '_sip._tcp.',
  tls: '_sips._tcp.',
};

/** Rejects with LOCATE_NO_TRANSPORT, LOCATE_NO_ADDRESS or LOCATE_DNS_FAILED. */
export async function locate(target: LocateTarget, context: LocateContext): Promise<Located> {
  const { host, port, transport, isSecure } = target;
  const isNumber = isIP(host) !== 0;
  const required = isSecure ? 'tls' : transport;
  if (required !== undefined && !context.transports.includes(required))
    throw locateErrors.LOCATE_NO_TRANSPORT([nameOf(target)]);
  // A number, or a port that is given, leaves nothing to NAPTR and SRV (§4.1, §4.2).
  const services = isNumber || port !== undefined ? [] : await servicesOf(target, context);
  for (const service of services) {
    const found = await followSrv(service, target, context);
    if (found !== undefined) return found;
  }
  return ofHost(target, context);
}

interface Service {
  readonly transport: LocateTransport;
  readonly answer: CachedAnswer<'SRV'>;
  /** The answers on the way to it hold no longer than this. */
  readonly expiresAt: number;
}

/** The SRV answers to follow, most wanted first; only such as have records. */
async function servicesOf(target: LocateTarget, context: LocateContext): Promise<readonly Service[]> {
  if (isLocalName(target.host)) return [];
  const guess = async (transport: LocateTransport): Promise<Service> => {
    const answer = await optional(context.lookup(`${SRV_PREFIX[transport]}${target.host}`, 'SRV'));
    return { transport, answer, expiresAt: answer.expiresAt };
  };
  const guessing = Promise.all(transportsFor(target, context).map(guess));
  // A transport that was chosen already needs no NAPTR (§4.1).
  const naptr = target.transport === undefined ? await optional(context.lookup(target.host, 'NAPTR')) : NONE;
  const chosen = chooseServices(naptr.records, target.isSecure ? ['tls'] : context.transports);
  const found = await (chosen.length === 0
    ? guessing
    : Promise.all(
        chosen.map(async ({ transport, name }): Promise<Service> => {
          const answer = await optional(context.lookup(name, 'SRV'));
          return { transport, answer, expiresAt: Math.min(naptr.expiresAt, answer.expiresAt) };
        }),
      ));
  await guessing;
  return found.filter(({ answer }) => answer.records.length > 0);
}

/** What may carry a request to the target: TLS is never a guess for a sip URI. */
function transportsFor(target: LocateTarget, { transports }: LocateContext): readonly LocateTransport[] {
  if (target.transport !== undefined) return [target.transport];
  const allowed: readonly LocateTransport[] = target.isSecure ? ['tls'] : ['udp', 'tcp'];
  return allowed.filter((each) => transports.includes(each));
}

/** Pure: the services that the NAPTR records offer and we speak, in their order (RFC 3263 §4.1, RFC 3403 §4.1). */
export function chooseServices(
  records: readonly NaptrRecord[],
  transports: readonly LocateTransport[],
): readonly { readonly transport: LocateTransport; readonly name: string }[] {
  const usable = records.flatMap((record) => {
    const transport = NAPTR_SERVICES.get(record.services.toUpperCase());
    const isUsable = record.flags.toLowerCase() === 's' && transport !== undefined && transports.includes(transport);
    return isUsable && record.replacement !== '' ? [{ record, transport }] : [];
  });
  return usable
    .toSorted((a, b) => a.record.order - b.record.order || a.record.preference - b.record.preference)
    .map(({ record, transport }) => ({ transport, name: record.replacement }));
}

async function followSrv(service: Service, target: LocateTarget, context: LocateContext): Promise<Located | undefined> {
  const { transport, answer } = service;
  const serversOf = async (
    record: SrvRecord,
  ): Promise<{ readonly record: LocatedRecord; readonly expiresAt: number }> => {
    const addresses = record.target === '' ? NONE : await optional(addressesOf(record.target, context));
    const servers = addresses.records.map((address) => ({
      transport,
      address,
      port: record.port,
      domain: target.host,
    }));
    return { record: { priority: record.priority, weight: record.weight, servers }, expiresAt: addresses.expiresAt };
  };
  const found = await Promise.all(answer.records.map(serversOf));
  const records = found.map(({ record }) => record).filter(({ servers }) => servers.length > 0);
  // "." as the only target says that there is no such service (RFC 2782): the host's own address is no way round that.
  const isRefused = answer.records.every((record) => record.target === '');
  if (isRefused) throw locateErrors.LOCATE_NO_ADDRESS([nameOf(target)]);
  if (records.length === 0) return undefined;
  return { records, expiresAt: Math.min(service.expiresAt, ...found.map(({ expiresAt }) => expiresAt)) };
}

/** Without SRV: the addresses of the host itself. */
async function ofHost(target: LocateTarget, context: LocateContext): Promise<Located> {
  const { host } = target;
  const transport = target.transport ?? transportsFor(target, context)[0];
  if (transport === undefined) throw locateErrors.LOCATE_NO_TRANSPORT([nameOf(target)]);
  const port = target.port ?? (transport === 'tls' ? 5061 : 5060);
  const { records, expiresAt } =
    isIP(host) === 0 ? await addressesOf(host, context) : { records: [host], expiresAt: Number.POSITIVE_INFINITY };
  if (records.length === 0) throw locateErrors.LOCATE_NO_ADDRESS([nameOf(target)]);
  const servers = records.map((address) => ({ transport, address, port, domain: host }));
  return { records: [{ priority: 0, weight: 0, servers }], expiresAt };
}

async function addressesOf(host: string, context: LocateContext): Promise<CachedAnswer<'A' | 'AAAA'>> {
  if (isIP(host) !== 0) return { records: [host], expiresAt: Number.POSITIVE_INFINITY };
  const { families, lookup, systemLookup } = context;
  if (isLocalName(host)) return systemLookup(host);
  const types = [families.includes('ipv4') ? ('A' as const) : [], families.includes('ipv6') ? ('AAAA' as const) : []];
  const outcomes = await Promise.allSettled(types.flat().map((type) => lookup(host, type)));
  const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const records = answers.flatMap((answer) => answer.records);
  if (records.length > 0) return { records, expiresAt: Math.min(...answers.map(({ expiresAt }) => expiresAt)) };
  const local = await systemLookup(host);
  if (local.records.length > 0) return local;
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return NONE;
}

/** A question whose answer one can do without: a name server that fails has as little to say as one without records. */
async function optional<Type extends DnsType>(lookup: Promise<CachedAnswer<Type>>): Promise<CachedAnswer<Type>> {
  try {
    return await lookup;
  } catch (error) {
    if (error instanceof CodedError) return NONE;
    throw error;
  }
}

/** Never asked of a name server (RFC 6761 §6.3). */
function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

function nameOf({ host, port, isSecure }: LocateTarget): string {
  return `${isSecure ? 'sips' : 'sip'}:${host}${port === undefined ? '' : `:${port}`}`;
}
