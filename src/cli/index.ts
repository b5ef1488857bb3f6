export { type BannerFacts, formatBanner } from './banner.ts';
export { type CliOutcome, runCli, type Terminal } from './commands.ts';
