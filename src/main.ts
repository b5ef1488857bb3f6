/** The program: reads the command line, runs the gateway until it is told to end. `gateway/` puts the parts together. */
import { closeSync, openSync } from 'node:fs';
import { type CliOutcome, runCli } from './cli/index.ts';
import { type Reloader, startGateway } from './gateway/index.ts';
import { CodedError, Scope } from './kernel/index.ts';
import { createLogger } from './telemetry/index.ts';

// A plain copy of it: drachtio-srf looks for a variable at every header it reads, and the live object asks the system
// each time (measured: 4 % of the control thread's time).
process.env = { ...process.env };

type Start = Extract<CliOutcome, { kind: 'start' }>;

/** A terminal that was closed sends SIGHUP too, and then there is nobody left to run for. */
function isTerminalGone(): boolean {
  if (!process.stdin.isTTY) return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}

function reload(reloader: Reloader): void {
  try {
    reloader.reload('signal');
  } catch (error) {
    // What is wrong with the files is logged.
    if (!(error instanceof CodedError)) throw error;
  }
}

async function run({ config, load }: Start): Promise<number> {
  const logger = createLogger(config.log);
  const scope = new Scope();
  let reloader: Reloader | undefined;
  let onFatal: (error: Error) => void = die;
  const stopped = new Promise<void>((resolve, reject) => {
    // Calls are ended and recorded before we leave.
    onFatal = reject;
    let signals = 0;
    const onSignal = (): void => {
      signals += 1;
      if (signals > 1) process.exit(130);
      logger.info({}, 'ending: hanging up every call');
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
    process.on('SIGHUP', () => {
      if (isTerminalGone()) onSignal();
      else if (reloader !== undefined) reload(reloader);
    });
  });
  try {
    const gateway = await startGateway({ config, load, logger, scope, onFatal });
    ({ reloader } = gateway);
    process.stdout.write(gateway.banner);
    logger.info({}, 'gateway running');
    await stopped;
  } finally {
    await scope.close();
  }
  return 0;
}

function die(error: unknown): never {
  const text =
    error instanceof CodedError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`viaduct: ${text}\n`);
  process.exit(1);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
const outcome = await runCli(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  environment: process.env,
}).catch(die);
process.exitCode = outcome.kind === 'exit' ? outcome.code : await run(outcome).catch(die);
