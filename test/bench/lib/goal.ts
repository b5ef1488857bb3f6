/** What the bench command prints for one goal. */
export interface Figures {
  /** The goal's main figure, in its unit. */
  readonly value: number;
  readonly [more: string]: number | string;
}

export interface GoalResult {
  readonly id: string;
  readonly unit: string;
  readonly calls: number;
  readonly viaduct: Figures;
  readonly peers: Readonly<Record<string, Figures | 'missing'>>;
}

export interface BenchOptions {
  readonly calls: number;
  readonly seconds: number;
  readonly repeats: number;
  /** A scratch folder for configuration, logs and compiled programs. */
  readonly folder: string;
  /** Progress, for people: never standard output. */
  readonly log: (line: string) => void;
}

export interface Goal {
  readonly id: string;
  readonly about: string;
  /** What the value of ours is to be, relative to a peer's or absolute. */
  readonly target: string;
  /** How many, when nothing else is asked for. Default: 100. */
  readonly calls?: number;
  measure(options: BenchOptions): Promise<GoalResult[]>;
}
