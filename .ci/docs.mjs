// Writes the generated parts of README.md (module table, settings, error codes) between their marks;
// with --check says whether they are what the code says.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configKeys } from '../src/config/index.ts';
import layers from './layers.cjs';

const root = new URL('..', import.meta.url).pathname;

const moduleTable = () =>
  ['| module | what it does | may import |', '| --- | --- | --- |']
    .concat(
      Object.entries(layers).map(
        ([name, { about, imports, pure }]) =>
          `| \`src/${name}\`${pure ? ' ·' : ''} | ${about} | ${imports.join(', ') || '–'} |`,
      ),
    )
    .join('\n');

const settings = () =>
  ['| setting | default | meaning |', '| --- | --- | --- |']
    .concat(
      configKeys.map(
        ({ path, fallback, about }) => `| \`${path}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${about} |`,
      ),
    )
    .join('\n');

async function errorCodes() {
  const rows = [];
  const files = readdirSync(join(root, 'src'), { recursive: true }).filter(
    (file) => /(^|\/|-)errors\.ts$/.test(file) && file !== 'kernel/errors.ts',
  );
  for (const file of files.sort()) {
    const exported = await import(join(root, 'src', file));
    for (const found of Object.values(exported)) {
      for (const [code, { sip, text }] of Object.entries(found?.entries ?? {}))
        rows.push(`| \`${code}\` | ${sip ?? ''} | ${text.replaceAll('%s', '…')} |`);
    }
  }
  return ['| code | SIP status | what it says |', '| --- | --- | --- |', ...rows].join('\n');
}

const parts = { modules: moduleTable(), settings: settings(), errors: await errorCodes() };
const path = join(root, 'README.md');
const before = readFileSync(path, 'utf8');
let after = before;
for (const [name, text] of Object.entries(parts)) {
  const marks = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!marks.test(after)) throw new Error(`README.md has no part "${name}"`);
  after = after.replace(marks, (_whole, open, close) => `${open}${text}\n${close}`);
}
if (process.argv.includes('--check')) {
  if (after !== before) {
    process.stderr.write('README.md is behind the code: run `npm run docs`\n');
    process.exit(1);
  }
} else {
  writeFileSync(path, after);
}
