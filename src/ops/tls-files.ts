/** PEM files that may be replaced while we run: read, checked, watched. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { Emitter, type Logger, type Unsubscribe } from '../kernel/index.ts';
import { errors } from './errors.ts';

/** Paths. A certificate has a key. */
export interface TlsFiles {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
}

/** Their contents. */
export interface TlsTexts {
  readonly certificate?: string;
  readonly key?: string;
  readonly ca?: string;
}

interface Entry {
  readonly files: TlsFiles;
  texts: TlsTexts;
}

/** Polling sees through links, by which certificates are usually exchanged. */
const POLL_MS = 5000;

export class TlsFileSet {
  readonly #logger: Logger;
  readonly #entries: Entry[] = [];
  readonly #events = new Emitter<{ changed: undefined }>();
  readonly #watched = new Set<string>();
  readonly #onFile = (): void => void this.reload();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Reads them at once; the result gives what they hold by now. Throws CERTIFICATE_UNREADABLE or CERTIFICATE_MISMATCH. */
  add(files: TlsFiles): () => TlsTexts {
    const entry: Entry = { files, texts: readTexts(files) };
    this.#entries.push(entry);
    return () => entry.texts;
  }

  onChange(listener: () => void): Unsubscribe {
    return this.#events.on('changed', listener);
  }

  /** Reads all of them again. What is not usable, as a new certificate whose key is still the old, stays as it was. */
  reload(): boolean {
    let isChanged = false;
    for (const entry of this.#entries) {
      try {
        const texts = readTexts(entry.files);
        if (JSON.stringify(texts) === JSON.stringify(entry.texts)) continue;
        entry.texts = texts;
        isChanged = true;
      } catch (error) {
        this.#logger.warn({ err: error }, 'certificate not exchanged: the one in use stays');
      }
    }
    if (isChanged) {
      this.#logger.info({}, 'certificates exchanged');
      this.#events.emit('changed', undefined);
    }
    return isChanged;
  }

  /** Notices replaced files by itself. */
  watch(): void {
    for (const { files } of this.#entries) {
      for (const path of [files.certificate, files.key, files.ca]) {
        if (path === undefined || this.#watched.has(path)) continue;
        this.#watched.add(path);
        watchFile(path, { interval: POLL_MS, persistent: false }, this.#onFile);
      }
    }
  }

  close(): void {
    for (const path of this.#watched) unwatchFile(path, this.#onFile);
    this.#watched.clear();
  }
}

function readTexts({ certificate, key, ca }: TlsFiles): TlsTexts {
  const texts = {
    ...(certificate === undefined ? {} : { certificate: read(certificate) }),
    ...(key === undefined ? {} : { key: read(key) }),
    ...(ca === undefined ? {} : { ca: read(ca) }),
  };
  if (texts.certificate !== undefined) checkPair(texts.certificate, texts.key ?? '', certificate ?? '');
  if (texts.ca !== undefined) checkAuthorities(texts.ca, ca ?? '');
  return texts;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw errors.CERTIFICATE_UNREADABLE([cause instanceof Error ? cause.message : String(cause)], { cause });
  }
}

function checkPair(certificate: string, key: string, path: string): void {
  let isPair: boolean;
  try {
    isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw errors.CERTIFICATE_UNREADABLE([`${path} or its key is not PEM`], { cause });
  }
  if (!isPair) throw errors.CERTIFICATE_MISMATCH([path]);
}

function checkAuthorities(text: string, path: string): void {
  try {
    void new X509Certificate(text);
  } catch (cause) {
    throw errors.CERTIFICATE_UNREADABLE([`${path} is not PEM`], { cause });
  }
}
