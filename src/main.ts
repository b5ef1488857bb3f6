/** The program: reads the command line, runs the gateway until it is told to end. `gateway/` puts the parts together. */
import { runCli } from './cli/index.ts';
import type { Config } from './config/index.ts';
import { startGateway } from './gateway/index.ts';
import { CodedError, Scope } from './kernel/index.ts';
import { createLogger } from './telemetry/index.ts';

// A plain copy of it: drachtio-srf looks for a variable at every header it reads, and the live object asks the system
// each time (measured: 4 % of the control thread's time).
process.env = { ...process.env };

async function run(config: Config): Promise<number> {
  const logger = createLogger(config.log);
  const scope = new Scope();
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
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
  try {
    process.stdout.write(await startGateway({ config, logger, scope, onFatal }));
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
process.exitCode = outcome.kind === 'exit' ? outcome.code : await run(outcome.config).catch(die);
