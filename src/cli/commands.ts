/** The command line: what the operator asked for, as data. Commands that need no gateway are carried out here. */
import { Command, CommanderError } from 'commander';
import { type Config, configKeys, loadConfig } from '../config/index.ts';
import { CodedError } from '../kernel/index.ts';

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type CliOutcome =
  /** Run the gateway with this configuration. */
  | { readonly kind: 'start'; readonly config: Config }
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
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError('(viaduct --help lists commands and options)');
  const file = (): string | undefined => program.opts<{ config?: string }>().config;
  program
    .command('start', { isDefault: true })
    .description('run the gateway (this is the default)')
    .action(() => settle({ kind: 'start', config: loadConfig({ file: file(), environment: terminal.environment }) }));
  const config = program.command('config').description('look at the configuration without starting');
  config
    .command('check')
    .description('say whether the configuration is right, and explain what is not')
    .action(() => settle(checkConfig(file(), terminal)));
  config
    .command('show')
    .description('print the configuration in force, secrets hidden')
    .action(() => {
      const { profiles, dialplan, ...rest } = loadConfig({ file: file(), environment: terminal.environment });
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
  return program;
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
