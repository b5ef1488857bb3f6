/** DNS records as far as RFC 3263 needs them. Names are in lower case and without the last dot. */

export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly services: string;
  readonly replacement: string;
}

export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** '' says that the service is decidedly not available (RFC 2782, "." as target). */
  readonly target: string;
}

export interface DnsRecords {
  readonly NAPTR: NaptrRecord;
  readonly SRV: SrvRecord;
  readonly A: string;
  readonly AAAA: string;
}

export type DnsType = keyof DnsRecords;

/** Without records: the name or the type does not exist, and for how long that may be believed (RFC 2308). */
export interface DnsAnswer<Type extends DnsType = DnsType> {
  readonly records: readonly DnsRecords[Type][];
  readonly ttlSec: number;
}

/** Rejects with LOCATE_DNS_FAILED when no name server gives an answer. */
export type DnsQuery = <Type extends DnsType>(name: string, type: Type) => Promise<DnsAnswer<Type>>;
