#!/usr/bin/env node
// npm test: sets up what is missing (packages, mediasoup's worker, the real peers), then runs the tests.
//   npm test                     unit, conformance and interop tests
//   npm test -- --fast           unit tests only
//   npm run test:full            also what is long or heavy
//   npm test -- test/sdp         only the tests below a path
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { OPUS_PACKAGES } from './opus.mjs';
import {
  ensureDebianPackages,
  ensureMediaWorker,
  ensureOpusAddon,
  ensurePackages,
  findNode,
  root,
  SetupError,
} from './setup.mjs';

const PEERS = [
  'sip-tester',
  'baresip-core',
  'baresip-ffmpeg',
  'chromium',
  'dnsmasq-base',
  'iproute2',
  'iptables',
  'kamailio',
  'kamailio-tls-modules',
  'kamailio-websocket-modules',
  ...OPUS_PACKAGES,
];

async function main() {
  const words = process.argv.slice(2);
  const isFast = words.includes('--fast');
  const isFull = words.includes('--full');
  await ensurePackages();
  const env = { ...process.env };
  if (!isFast) {
    env.VIADUCT_MEDIA_WORKER_BIN = await ensureMediaWorker();
    await ensureDebianPackages(PEERS, 'the tests');
  }
  // Both ways to code Opus are tested; only the fast tests do with one where the other cannot be built.
  const missing = await ensureOpusAddon();
  if (missing !== undefined && !isFast)
    throw new SetupError(`no native Opus: ${missing}. Install ${OPUS_PACKAGES.join(', ')}`);
  const node = findNode();
  env.PATH = `${dirname(node)}:${env.PATH}`;
  const projects = isFast
    ? ['unit']
    : isFull
      ? ['unit', 'conformance', 'interop', 'full']
      : ['unit', 'conformance', 'interop'];
  const args = [
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--config',
    join(root, '.ci/vitest.config.ts'),
    ...projects.flatMap((name) => ['--project', name]),
    ...words.filter((word) => word !== '--fast' && word !== '--full'),
  ];
  const code = await run(node, args, env);
  if (code !== 0 || isFast || words.some((word) => word !== '--full')) process.exit(code);
  // The telephony once more, against the engine that has the limits and faults of a drachtio-server.
  // What is about media alone knows no difference, nor does a consultation, whose calls are ordinary ones.
  const mediaAlone = ['consultation', 'dtmf-matrix', 'hold-music', 'transcoding', 'video'];
  const again = [
    ...args.slice(0, 5),
    '--project',
    'conformance',
    'test/conformance/telephony',
    ...mediaAlone.flatMap((name) => ['--exclude', `test/conformance/telephony/${name}.test.ts`]),
  ];
  process.exit(await run(node, again, { ...env, VIADUCT_TEST_ENGINE_STRICT: '1' }));
}

function run(node, args, env) {
  const child = spawn(node, args, { cwd: root, env, stdio: 'inherit' });
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

main().catch((error) => {
  process.stderr.write(`viaduct: ${error instanceof SetupError ? error.message : (error.stack ?? error)}\n`);
  process.exit(1);
});
