/** The web pages, bundled once at start and kept in memory. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { build } from 'esbuild';
import { errors } from './errors.ts';

export interface WebFile {
  readonly body: Buffer;
  readonly contentType: string;
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

function webFile(body: Buffer, extension: string): WebFile {
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return { body, contentType: TYPES[extension] ?? 'application/octet-stream', etag: `"${digest}"` };
}

async function bundle(entry: string): Promise<Buffer> {
  try {
    const result = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      legalComments: 'none',
      logLevel: 'silent',
    });
    return Buffer.from(result.outputFiles[0]?.contents ?? []);
  } catch (cause) {
    throw errors.WEB_BUILD([String(cause)], { cause });
  }
}

/**
 * Path → file of the pages in `folder`, the softphone's: `/` is its index.html, `/softphone.js` the bundle of main.ts.
 * `modules`: further paths, each with the source that its bundle is made of.
 */
export async function loadWebFiles(
  folder: string,
  modules: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, WebFile>> {
  const files = new Map<string, WebFile>();
  for (const name of readdirSync(folder)) {
    const extension = extname(name);
    if (extension in TYPES && extension !== '.js')
      files.set(`/${name}`, webFile(readFileSync(join(folder, name)), extension));
  }
  const bundles = Object.entries({ '/softphone.js': join(folder, 'main.ts'), ...modules });
  for (const [path, entry] of bundles) files.set(path, webFile(await bundle(entry), '.js'));
  const index = files.get('/index.html');
  if (index !== undefined) files.set('/', index);
  return files;
}
