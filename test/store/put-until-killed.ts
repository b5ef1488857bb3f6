/** A process for the store's test: writes entries, reports each that is kept, and goes on until it is killed. */
import { silentLogger, systemClock } from '../../src/kernel/index.ts';
import { openEmbeddedStore } from '../../src/store/index.ts';

const [path = ''] = process.argv.slice(2);
const store = await openEmbeddedStore(path, { clock: systemClock, logger: silentLogger });
for (let round = 0; ; round++) {
  const keys = Array.from({ length: 10 }, (_, i) => `calls/${round}-${i}`);
  await Promise.all(keys.map((key) => store.put(key, { round })));
  process.stdout.write(`${round}\n`);
}
