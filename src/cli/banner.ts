/** What the gateway tells the person who started it. */

export interface BannerFacts {
  /** The address others reach us at. */
  readonly address: string;
  readonly httpPort: number | undefined;
  readonly httpsPort: number | undefined;
  readonly isSelfSigned: boolean;
  /** As `udp/5060`. */
  readonly sipListeners: readonly { readonly transport: string; readonly port: number }[];
  readonly domain: string;
  /** Generated accounts with their passwords; empty when users are configured. */
  readonly demoAccounts: readonly { readonly name: string; readonly password: string }[];
  readonly users: number;
  readonly trunks: readonly string[];
  readonly dataFolder: string;
}

/** `192.0.2.10:5060`, without the port where it is the default. */
function registrarLine({ address, sipListeners }: BannerFacts): string {
  const plain = sipListeners.filter(
    ({ transport }) => transport === 'udp' || transport === 'tcp' || transport === 'tls',
  );
  if (plain.length === 0) return 'no UDP, TCP or TLS listener is configured';
  const ports = new Set(plain.map(({ port }) => port));
  const places = [...ports].map((port) => {
    const transports = plain
      .filter((listener) => listener.port === port)
      .map(({ transport }) => transport.toUpperCase());
    return `${address}:${port} (${[...new Set(transports)].join(' or ')})`;
  });
  return places.join(', ');
}

function softphoneLines({ address, httpPort, httpsPort, isSelfSigned }: BannerFacts): string[] {
  const lines: string[] = [];
  const note = isSelfSigned ? '   (the certificate is self-made: accept it once)' : '';
  if (httpsPort !== undefined) lines.push(`https://${address}:${httpsPort}/${note}`);
  if (httpPort !== undefined) lines.push(`http://localhost:${httpPort}/      (on this machine)`);
  return lines.length === 0 ? ['switched off'] : lines;
}

function accountLines({ demoAccounts, users }: BannerFacts): string[] {
  if (demoAccounts.length === 0) return [`${users} from the configuration`];
  const width = Math.max(...demoAccounts.map(({ name }) => name.length));
  return demoAccounts.map(({ name, password }) => `${name.padEnd(width)}  ${password}`);
}

/** The lines shown when everything is up. */
export function formatBanner(facts: BannerFacts): string {
  const registrar = registrarLine(facts);
  const trunks =
    facts.trunks.length === 0
      ? `add it under "trunks:" in viaduct.yaml, then send its calls to ${registrar}`
      : `${facts.trunks.join(', ')}: calls from there to ${registrar}`;
  const rows: [string, string[]][] = [
    ['Softphone', softphoneLines(facts)],
    ['Accounts', accountLines(facts)],
    ['SIP phone', [`registrar ${registrar}, user and password of an account`]],
    ['PBX trunk', [trunks]],
    ['Try', ['call "reception" and be put through, "echo" and hear yourself, "tone" and hear 440 Hz']],
    ['API', [`token in ${facts.dataFolder}/api-token; README.md lists the addresses`]],
  ];
  const text = rows.flatMap(([title, lines]) =>
    lines.map((line, index) => `  ${(index === 0 ? title : '').padEnd(11)} ${line}`),
  );
  return `\nViaduct is running. Ctrl-C ends it.\n\n${text.join('\n')}\n\n`;
}
