/** The command line: what the operator asked for, as data. Commands that need no gateway are carried out here. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { type Config, configKeys, DEMO_USERS, loadConfig } from '../config/index.ts';
import { CodedError, systemClock } from '../kernel/index.ts';
import { describeRoute } from './dialplan.ts';

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type CliOutcome =
  /** Run the gateway with this configuration. */
  | {
      readonly kind: 'start';
      readonly config: Config;
      /** Reads the same files and the environment again. */
      readonly load: () => Config;
    }
  /** All is done; leave with this code. */
  | { readonly kind: 'exit'; readonly code: number };

const SECRET = /password|secret|token/i;

function hideSecrets(value: unknown, key = ''): unknown {
  if (typeof value === 'string' && SECRET.test(key)) return '[secret]';
  if (Array.isArray(value)) return value.map((item) => hideSecrets(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hideSecrets(inner, name)]));
}

function listSettings(out: (text: string) => void): void {
  for (const { path, env, about, fallback } of configKeys) {
    out(
      `${path}${fallback === '' ? '' : ` (default ${fallback})`}\n    ${about}${env === undefined ? '' : `\n    environment: ${env}`}\n`,
    );
  }
}

function checkConfig(file: string | undefined, terminal: Terminal): CliOutcome {
  const config = loadConfig({ file, environment: terminal.environment });
  const listeners = config.profiles.flatMap((profile) =>
    profile.listeners.map(({ transport, port }) => `${transport}/${port}`),
  );
  terminal.out(`${config.file ?? 'no file, defaults'}: correct\n`);
  terminal.out(
    `profiles ${config.profiles.map(({ name }) => name).join(', ')} with listeners ${listeners.join(', ') || 'none'}\n`,
  );
  terminal.out(
    `${config.users?.length ?? 'demo'} users, ${config.trunks.length} trunks, ${config.dialplan.rules.length} dialplan rules\n`,
  );
  return { kind: 'exit', code: 0 };
}

function buildProgram(terminal: Terminal, settle: (outcome: CliOutcome) => void): Command {
  const program = new Command('viaduct')
    .description('WebRTC-to-SIP gateway: PBX trunks, SIP phones and browser softphones call each other')
    .option('-c, --config <file>', 'configuration file (default: viaduct.yaml in this folder, if there is one)')
    .option('--engine-strict', 'the embedded SIP engine behaves like a drachtio-server, its limits and faults included')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError('(viaduct --help lists commands and options)');
  const file = (): string | undefined => program.opts<{ config?: string }>().config;
  const environment = (): Terminal['environment'] =>
    program.opts<{ engineStrict?: true }>().engineStrict === true
      ? { ...terminal.environment, VIADUCT_SIP_ENGINE_STRICT: 'true' }
      : terminal.environment;
  const load = (): Config => loadConfig({ file: file(), environment: environment() });
  program
    .command('start', { isDefault: true })
    .description('run the gateway (this is the default)')
    .action(() => {
      settle({ kind: 'start', config: load(), load });
    });
  const config = program.command('config').description('look at the configuration without starting');
  config
    .command('check')
    .description('say whether the configuration is right, and explain what is not')
    .action(() => settle(checkConfig(file(), terminal)));
  config
    .command('show')
    .description('print the configuration in force, secrets hidden')
    .action(() => {
      const { profiles, dialplan, ...rest } = loadConfig({ file: file(), environment: environment() });
      terminal.out(`${JSON.stringify(hideSecrets({ ...rest, profiles, dialplan }), null, 2)}\n`);
      settle({ kind: 'exit', code: 0 });
    });
  config
    .command('keys')
    .description('list every setting with its meaning, default and environment variable')
    .action(() => {
      listSettings(terminal.out);
      settle({ kind: 'exit', code: 0 });
    });
  addDialplan(program, load, terminal, settle);
  return program;
}

interface TestOptions {
  readonly trunk?: string;
  readonly user?: string;
  readonly tenant?: string;
  readonly header: readonly string[];
  readonly at: number;
}

/** A moment: `2026-12-24T20:00Z`; without an offset it is this machine's. */
function parseMoment(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError('write it as 2026-12-24T20:00 or 2026-12-24T20:00+01:00');
  return at;
}

function parseHeader(text: string, before: readonly string[]): readonly string[] {
  if (!/^[\w-]+=/u.test(text)) throw new InvalidArgumentError('write it as Name=value');
  return [...before, text];
}

/** The commands that look at the rules. */
function addDialplan(
  program: Command,
  load: () => Config,
  terminal: Terminal,
  settle: (outcome: CliOutcome) => void,
): void {
  const dialplan = program.command('dialplan').description('look at the routing rules without starting');
  dialplan
    .command('check')
    .description('say whether the dialplan is right, and explain what is not')
    .action(() => {
      const config = load();
      terminal.out(`${config.dialplanFile}: correct, ${config.dialplan.rules.length} rules\n`);
      settle({ kind: 'exit', code: 0 });
    });
  dialplan
    .command('test')
    .description('print where a call goes, and why, rule by rule; exit code 1 when it is refused')
    .argument('<from>', 'who calls: a user, a number, or a SIP URI')
    .argument('<to>', 'what is dialed: a user, a number, or a SIP URI')
    .option('--trunk <name>', 'the call comes from this trunk')
    .option('--user <name>', 'the call comes from this user; by default when FROM is the name of one')
    .option('--tenant <name>', 'of this tenant; by default the one of the user or trunk')
    .option('--header <name=value>', 'with this header; may be repeated', parseHeader, [])
    .option('--at <time>', 'at this time; by default now', parseMoment, systemClock.wallTime())
    .action((from: string, to: string, options: TestOptions) => {
      const { trunk, user, tenant, header, at } = options;
      const { text, isRefused } = describeRoute(load(), DEMO_USERS, {
        from,
        to,
        trunk,
        user,
        tenant,
        headers: header,
        at,
      });
      terminal.out(text);
      settle({ kind: 'exit', code: isRefused ? 1 : 0 });
    });
}

/** Reads the arguments (without `node` and script) and carries out what needs no gateway. Never throws for user mistakes. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<CliOutcome> {
  let outcome: CliOutcome = { kind: 'exit', code: 0 };
  const program = buildProgram(terminal, (settled) => {
    outcome = settled;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return outcome;
  } catch (error) {
    if (error instanceof CommanderError) return { kind: 'exit', code: error.exitCode };
    if (!(error instanceof CodedError)) throw error;
    terminal.err(`${error.message}\n`);
    return { kind: 'exit', code: 2 };
  }
}
