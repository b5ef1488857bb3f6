/** The certificates in use, by whom they are used, and their exchange while everything runs. */
import { hostname } from 'node:os';
import { type Config, type ListenerConfig, localAddresses } from '../config/index.ts';
import { type Logger, type Scope, systemClock, type Unsubscribe } from '../kernel/index.ts';
import { ensureCertificate, TlsFileSet, type TlsFiles, type TlsTexts } from '../ops/index.ts';
import type { TlsPeer, TlsServerMaterial } from '../sip/server/index.ts';
import { sipAgentsOf, targetOf } from './sip-agents.ts';

export interface GatewayTls {
  /** The certificate of https is one that we made. */
  readonly isSelfSigned: boolean;
  https(): { readonly certificate: string; readonly key: string };
  /** Undefined for a transport without TLS. */
  listener(listener: ListenerConfig): TlsServerMaterial | undefined;
  /** Of the trunks. */
  peers(): readonly TlsPeer[];
  /** Called when one of the above has changed. */
  onChange(listener: () => void): Unsubscribe;
  /** Reads all files again. What is not usable stays as it was. True when something has changed. */
  reload(): boolean;
}

type Texts = () => TlsTexts;

/** Reads every file that is named, and makes the certificate of https where none is. Throws CERTIFICATE_* errors. */
export async function openTls(
  config: Config,
  { announced, logger, scope }: { readonly announced: string; readonly logger: Logger; readonly scope: Scope },
): Promise<GatewayTls> {
  const { certificate, key } = config.https;
  const isSelfSigned = certificate === undefined || key === undefined;
  const own: TlsFiles = isSelfSigned
    ? await ensureCertificate({
        folder: config.data,
        names: [...new Set(['localhost', hostname(), announced, config.sip.domain, ...localAddresses()])],
        nowMs: systemClock.wallTime(),
      })
    : { certificate, key };
  const set = new TlsFileSet(logger);
  const https = set.add(own);
  const listeners = listenerTexts(config, own, set);
  const agents = sipAgentsOf(config).map((agent) => ({ target: targetOf(agent), tls: agent.tls }));
  const trunks = [...config.trunks, ...agents].flatMap(({ target, tls }) =>
    tls === undefined ? [] : [{ target, texts: set.add(tls), tls }],
  );
  set.watch();
  scope.add(() => set.close());
  return {
    isSelfSigned,
    https: () => pairOf(https()),
    listener: (listener) => materialOf(listeners.get(listener)?.(), listener),
    peers: () =>
      trunks.map(({ target, texts, tls }) => ({
        hosts: [target].flat().map(hostOf),
        verify: tls.verify,
        ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
        ...texts(),
      })),
    onChange: (listener) => set.onChange(listener),
    reload: () => set.reload(),
  };
}

function listenerTexts(config: Config, own: TlsFiles, set: TlsFileSet): ReadonlyMap<ListenerConfig, Texts> {
  const all = config.profiles.flatMap((profile) => profile.listeners);
  const secure = all.filter(({ transport }) => transport === 'tls' || transport === 'wss');
  return new Map(
    secure.map((listener) => {
      const pair = listener.certificate === undefined ? own : listener;
      return [listener, set.add({ certificate: pair.certificate, key: pair.key, ca: listener.clientCa })] as const;
    }),
  );
}

function materialOf(texts: TlsTexts | undefined, listener: ListenerConfig): TlsServerMaterial | undefined {
  if (texts === undefined) return undefined;
  return {
    ...pairOf(texts),
    ...(texts.ca === undefined ? {} : { clientCa: texts.ca }),
    requiresClient: listener.clientCertificate === 'require',
  };
}

function pairOf({ certificate = '', key = '' }: TlsTexts): { certificate: string; key: string } {
  return { certificate, key };
}

/** Of `host`, `host:port`, `[v6]:port` or a URI. */
function hostOf(target: string): string {
  return target
    .replace(/^sips?:|;.*$/gi, '')
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
}
