/** Which trunk a request belongs to: by source address, by the names in its TLS certificate, or by both. */
import { BlockList, isIP } from 'node:net';
import { telephonyErrors } from './errors.ts';
import type { Trunk } from './options.ts';
import type { SipSource } from './sip-ports.ts';

interface Entry {
  readonly trunk: Trunk;
  /** Undefined: any address. */
  readonly range: BlockList | undefined;
  /** Undefined: any port. */
  readonly port: number | undefined;
}

export type TrunkMatch = (source: SipSource) => Trunk | undefined;

/** What `addresses` says by numbers; names in it are for whoever resolves them. Throws TELEPHONY_BAD_ADDRESS. */
export function createTrunkMatch(trunks: readonly Trunk[]): TrunkMatch {
  const entries = trunks.flatMap((trunk): readonly Entry[] =>
    trunk.addresses.length === 0
      ? [{ trunk, range: undefined, port: undefined }]
      : trunk.addresses.filter((address) => !isHostName(address)).map((address) => entryOf(trunk, address)),
  );
  return (source) => {
    const address = source.address.replace(/^\[|\]$/g, '');
    const family = isIP(address);
    if (family === 0) return undefined;
    const isHit = (entry: Entry): boolean =>
      (entry.port ?? source.port) === source.port &&
      isNamed(entry.trunk, source) &&
      (entry.range?.check(address, family === 6 ? 'ipv6' : 'ipv4') ?? (entry.trunk.certificateNames ?? []).length > 0);
    return entries.find(isHit)?.trunk;
  };
}

/** Without certificate names a trunk is believed by its address alone. */
export function isNamed({ certificateNames = [] }: Trunk, { peerNames = [] }: SipSource): boolean {
  return certificateNames.length === 0 || certificateNames.some((name) => peerNames.includes(name.toLowerCase()));
}

/** A name has a letter, and none of the colons and slashes of addresses. */
export function isHostName(address: string): boolean {
  return /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?$/i.test(address) && /[a-z]/i.test(address);
}

function entryOf(trunk: Trunk, text: string): Entry {
  const [, bracketed, plain, prefix, port] =
    /^(?:\[([^\]]+)\]|([^/]+?))(?:\/(\d+)|:(\d+))?$/.exec(isIP(text) === 6 ? `[${text}]` : text) ?? [];
  const address = bracketed ?? plain ?? '';
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const length = prefix === undefined ? bits : Number(prefix);
  if (family === 0 || length > bits) throw telephonyErrors.TELEPHONY_BAD_ADDRESS([trunk.name, text]);
  const range = new BlockList();
  range.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
  return { trunk, range, port: port === undefined ? undefined : Number(port) };
}
