// Runs the layer rule. It refuses an empty cruise, because dependency-cruiser that cannot
// load a TypeScript compiler reads no .ts file at all and still exits 0.
import { spawnSync } from 'node:child_process';
import layers from './layers.cjs';

const cruise = (type) =>
  spawnSync('npx', ['depcruise', 'src', '--config', '.ci/dependency-cruiser.cjs', '--output-type', type], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });

const sources = JSON.parse(cruise('json').stdout)
  .modules.map((module) => module.source)
  .filter((source) => source.startsWith('src/'));
const homes = Object.keys(layers).map((name) => `src/${name}/`);
const strays = sources.filter((s) => s !== 'src/main.ts' && !homes.some((home) => s.startsWith(home)));

if (sources.length === 0) throw new Error('layer check cruised no modules');
if (strays.length > 0) throw new Error(`files outside the module table: ${strays.join(', ')}`);

const report = cruise('err');
process.stdout.write(report.stdout);
process.exit(report.status ?? 1);
