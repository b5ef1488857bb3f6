export { type CliOutcome, runCli, type Terminal } from './commands.ts';
