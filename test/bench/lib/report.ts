import { cpus, release } from 'node:os';
import type { Figures, GoalResult } from './goal.ts';
import { round } from './median.ts';

/** The machine that figures hold for. */
export function machine(): string {
  const all = cpus();
  const model = all[0]?.model.replace(/\s+Processor.*|\(R\)|\(TM\)/g, '').trim() ?? 'unknown';
  const kernel = release().split('.').slice(0, 2).join('.');
  return `${all.length} cores, ${model}, Linux ${kernel}, Node ${process.versions.node}`;
}

const cells = (figures: Figures): string =>
  Object.entries(figures)
    .filter(([name]) => name !== 'value')
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** A block of lines for people: ours, then every peer with our ratio to it. */
export function table(result: GoalResult, target: string): string {
  const lines = [`${result.id}  ${result.unit}, ${result.calls} calls  (goal: ${target})`];
  const row = (name: string, value: string, rest: string): string =>
    `  ${name.padEnd(12)} ${value.padStart(9)}  ${rest}`;
  lines.push(row('viaduct', String(result.viaduct.value), cells(result.viaduct)));
  for (const [name, figures] of Object.entries(result.peers)) {
    if (figures === 'missing') lines.push(row(name, 'missing', 'not installed'));
    else {
      const ratio = figures.value === 0 ? 'none' : `viaduct is ${round(result.viaduct.value / figures.value, 2)} x`;
      lines.push(row(name, String(figures.value), `${ratio}, ${cells(figures)}`));
    }
  }
  return lines.join('\n');
}
