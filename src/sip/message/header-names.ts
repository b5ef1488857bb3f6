/** Header names as RFC 3261 §7.3.3 and §20 spell them, their compact forms, and which of them are comma-separated lists. */

/** Canonical names of the headers we know, with the compact form where there is one (RFC 3261 §20 and the registry). */
const KNOWN: readonly (readonly [name: string, compact?: string])[] = [
  ['Accept'],
  ['Accept-Contact', 'a'],
  ['Accept-Encoding'],
  ['Accept-Language'],
  ['Alert-Info'],
  ['Allow'],
  ['Allow-Events', 'u'],
  ['Authentication-Info'],
  ['Authorization'],
  ['Call-ID', 'i'],
  ['Call-Info'],
  ['Contact', 'm'],
  ['Content-Disposition'],
  ['Content-Encoding', 'e'],
  ['Content-ID'],
  ['Content-Language'],
  ['Content-Length', 'l'],
  ['Content-Type', 'c'],
  ['CSeq'],
  ['Date'],
  ['Diversion'],
  ['Error-Info'],
  ['Event', 'o'],
  ['Expires'],
  ['Flow-Timer'],
  ['From', 'f'],
  ['Geolocation'],
  ['History-Info'],
  ['Identity', 'y'],
  ['Identity-Info', 'n'],
  ['In-Reply-To'],
  ['Info-Package'],
  ['Join'],
  ['Max-Forwards'],
  ['MIME-Version'],
  ['Min-Expires'],
  ['Min-SE'],
  ['Organization'],
  ['P-Access-Network-Info'],
  ['P-Asserted-Identity'],
  ['P-Associated-URI'],
  ['P-Called-Party-ID'],
  ['P-Charging-Vector'],
  ['P-Preferred-Identity'],
  ['Path'],
  ['Priority'],
  ['Privacy'],
  ['Proxy-Authenticate'],
  ['Proxy-Authorization'],
  ['Proxy-Require'],
  ['RAck'],
  ['Reason'],
  ['Record-Route'],
  ['Recv-Info'],
  ['Refer-Sub'],
  ['Refer-To', 'r'],
  ['Referred-By', 'b'],
  ['Reject-Contact', 'j'],
  ['Remote-Party-ID'],
  ['Replaces'],
  ['Reply-To'],
  ['Request-Disposition', 'd'],
  ['Require'],
  ['Resource-Priority'],
  ['Retry-After'],
  ['Route'],
  ['RSeq'],
  ['Security-Client'],
  ['Security-Server'],
  ['Security-Verify'],
  ['Server'],
  ['Service-Route'],
  ['Session-Expires', 'x'],
  ['SIP-ETag'],
  ['SIP-If-Match'],
  ['Subject', 's'],
  ['Subscription-State'],
  ['Supported', 'k'],
  ['Target-Dialog'],
  ['Timestamp'],
  ['To', 't'],
  ['Unsupported'],
  ['User-Agent'],
  ['User-to-User'],
  ['Via', 'v'],
  ['Warning'],
  ['WWW-Authenticate'],
];

const canonicalByName = new Map<string, string>();
for (const [name, compact] of KNOWN) {
  canonicalByName.set(name, name);
  canonicalByName.set(name.toLowerCase(), name);
  if (compact === undefined) continue;
  canonicalByName.set(compact, name);
  canonicalByName.set(compact.toUpperCase(), name);
}

/** Headers whose lines may hold several values apart by commas (RFC 3261 §7.3.1 and the grammar of each). */
const LISTS = new Set([
  'Accept',
  'Accept-Contact',
  'Accept-Encoding',
  'Accept-Language',
  'Alert-Info',
  'Allow',
  'Allow-Events',
  'Call-Info',
  'Contact',
  'Content-Encoding',
  'Content-Language',
  'Diversion',
  'Error-Info',
  'Geolocation',
  'History-Info',
  'In-Reply-To',
  'P-Asserted-Identity',
  'P-Associated-URI',
  'P-Preferred-Identity',
  'Path',
  'Proxy-Require',
  'Reason',
  'Record-Route',
  'Recv-Info',
  'Reject-Contact',
  'Request-Disposition',
  'Require',
  'Resource-Priority',
  'Route',
  'Security-Client',
  'Security-Server',
  'Security-Verify',
  'Service-Route',
  'Supported',
  'Unsupported',
  'Via',
  'Warning',
]);

/** The canonical spelling of a known header, or undefined: 'v' and 'VIA' → 'Via'. */
export function knownHeaderName(name: string): string | undefined {
  return canonicalByName.get(name) ?? canonicalByName.get(name.toLowerCase());
}

/** The spelling under which a header is kept: known ones canonical and expanded, unknown ones as they are. */
export function canonicalHeaderName(name: string): string {
  return knownHeaderName(name) ?? name;
}

/** Whether a line of this (canonical) header may hold several comma-separated values. */
export function isListHeader(canonicalName: string): boolean {
  return LISTS.has(canonicalName);
}
