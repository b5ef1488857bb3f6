import { parseArgs } from 'node:util';

export interface BenchArguments {
  readonly goals: readonly string[];
  readonly json: boolean;
  readonly calls: number | undefined;
  readonly seconds: number;
  readonly repeats: number;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} takes a number above 0, not "${text}"`);
}

/** Reads the command line; throws an Error whose message is for the user. */
export function benchArguments(args: readonly string[], known: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      calls: { type: 'string' },
      seconds: { type: 'string', default: '8' },
      repeats: { type: 'string', default: '3' },
    },
  });
  const goals = positionals.map((goal) => goal.toUpperCase());
  const unknown = goals.filter((goal) => !known.includes(goal));
  if (unknown.length > 0) throw new Error(`unknown goal ${unknown.join(', ')}: choose from ${known.join(' ')}`);
  return {
    goals: goals.length === 0 ? known : goals,
    json: values.json,
    calls: values.calls === undefined ? undefined : positive('calls', values.calls),
    seconds: positive('seconds', values.seconds),
    repeats: positive('repeats', values.repeats),
  };
}
