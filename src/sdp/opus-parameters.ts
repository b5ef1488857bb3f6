/**
 * a=fmtp of Opus (RFC 7587 §6.1, §7.1). All of it says what the one who writes it wants to receive, but for two that say
 * what it sends; offer and answer are not related. So what one party said is what the other one is told.
 */
import { formatFmtp, parseFmtp } from './fmtp.ts';

/** What a profile wants of Opus. */
export interface OpusTerms {
  /** The most that its peers are asked to send, bit/s. */
  readonly maxAverageBitrate?: number | undefined;
  /** Whether its peers may send nothing while there is silence, as far as we decode it. Default false. */
  readonly dtx?: boolean | undefined;
  /** Its browsers are offered Opus when they lose more than so many percent of the packets, even if that must be transcoded. */
  readonly preferAboveLossPercent?: number | undefined;
}

const isFlag = (value: string): boolean => value === '0' || value === '1';
const within = (min: number, max: number) => (value: string) =>
  /^\d{1,7}$/u.test(value) && Number(value) >= min && Number(value) <= max;

/** What we know, and what it may be: anything else must not be in an answer (RFC 7587 §7.1). */
const KNOWN: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ['maxplaybackrate', within(8_000, 48_000)],
  ['sprop-maxcapturerate', within(8_000, 48_000)],
  ['maxaveragebitrate', within(6_000, 510_000)],
  // Of earlier drafts: browsers still say it, and heed it.
  ['minptime', within(3, 120)],
  ['stereo', isFlag],
  ['sprop-stereo', isFlag],
  ['cbr', isFlag],
  ['useinbandfec', isFlag],
  ['usedtx', isFlag],
]);

/** What to tell one party when the Opus of the other one reaches it untouched, and goes there. */
export function relayedOpus(fmtp: string, terms: OpusTerms = {}): string {
  const said = [...parseFmtp(fmtp)].filter(([name, value]) => KNOWN.get(name)?.(value) === true);
  return formatFmtp(withCap(new Map(said), terms));
}

/** What to tell a party whose Opus we decode, and encode from what has `rateHz`: more would be thrown away. */
export function decodedOpus(rateHz: number, terms: OpusTerms = {}): string {
  const parameters = new Map([
    ['minptime', '10'],
    ['useinbandfec', '1'],
  ]);
  // Our decoder gives one channel, and our encoder is fed with one: 0, the default of both stereo parameters.
  if (terms.dtx === true) parameters.set('usedtx', '1');
  if (rateHz < 48_000) {
    parameters.set('maxplaybackrate', String(rateHz));
    parameters.set('sprop-maxcapturerate', String(rateHz));
  }
  return formatFmtp(withCap(parameters, terms));
}

function withCap(parameters: Map<string, string>, { maxAverageBitrate }: OpusTerms): Map<string, string> {
  if (maxAverageBitrate === undefined) return parameters;
  const said = Number(parameters.get('maxaveragebitrate') ?? Number.POSITIVE_INFINITY);
  return parameters.set('maxaveragebitrate', String(Math.min(said, maxAverageBitrate)));
}
