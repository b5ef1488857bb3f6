/**
 * Who calls whom in the words of one trunk, and in ours: `+` and the whole number (ITU-T E.164) where it is known. Pure.
 * What is no telephone number, or too short to be a whole one (an extension, 112), stays what it is.
 */

/**
 * `e164`: +4930123456. `digits`: 4930123456. `international`: 004930123456. `national`: 030123456 in the own country,
 * else as international. `as-is`: as it was dialed or received.
 */
export type NumberFormat = 'as-is' | 'e164' | 'digits' | 'international' | 'national';

/** `phone`: sip URIs say `;user=phone` (RFC 3261 §19.1.1). `tel`: the called number is a tel URI where it is whole (RFC 3966). */
export type NumberUri = 'sip' | 'phone' | 'tel';

/** A number that begins with `strip` begins with `prepend` instead. */
export interface NumberRewrite {
  readonly strip: string;
  readonly prepend: string;
}

export interface NumberStyle {
  /** Default `as-is`. */
  readonly format?: NumberFormat | undefined;
  /** In front of everything, as a tech prefix is: put on when sending, taken off when receiving. */
  readonly prefix?: string | undefined;
  /** Of what it sends, before it is read by `format`: the first that fits. */
  readonly receive?: readonly NumberRewrite[] | undefined;
  /** Of what it gets, after it was written by `format`: the first that fits. */
  readonly send?: readonly NumberRewrite[] | undefined;
}

export interface NumberPlan {
  /** Country code, as 49. Without it only what says its country is understood. */
  readonly country?: string | undefined;
  /** Area code without the national prefix, as 30: for numbers without one. */
  readonly area?: string | undefined;
  /** How a number within the country begins. Default: what is usual there, else 0. */
  readonly nationalPrefix?: string | undefined;
  /** How a number in another country begins. Default: what is usual there, else 00. */
  readonly internationalPrefix?: string | undefined;
  /** Digits; what is shorter stays as it is. Default 7. */
  readonly shortest?: number | undefined;
  readonly called?: NumberStyle | undefined;
  readonly calling?: NumberStyle | undefined;
  /** Default `sip`. */
  readonly uri?: NumberUri | undefined;
}

type Filled<Shape> = { readonly [Key in keyof Shape]-?: Exclude<Shape[Key], undefined> };

interface Prefixes {
  readonly national: string;
  readonly international: string;
}

/** Countries that do not dial 0 and 00. Where the national prefix is '', a leading 0 belongs to the number (Italy). */
const USUAL: Readonly<Record<string, Partial<Prefixes>>> = {
  '1': { national: '1', international: '011' },
  '7': { national: '8', international: '810' },
  '30': { national: '' },
  '34': { national: '' },
  '36': { national: '06' },
  '39': { national: '' },
  '45': { national: '' },
  '47': { national: '' },
  '48': { national: '' },
  '61': { international: '0011' },
  '81': { international: '010' },
  '351': { national: '' },
  '420': { national: '' },
};
const DEFAULT_SHORTEST = 7;
const E164 = /^\+[1-9]\d{1,14}$/;
/** What RFC 3966 §5.1.1 lets people put between digits. */
const SEPARATORS = /[-.()\s]/g;
const NANP = '1';
/** Area codes of North America begin with 2 to 9: a leading 1 is the prefix and never part of the number. */
const NANP_NATIONAL = /^1?([2-9]\d{9})$/;

/** A number that the trunk has sent. */
export function readNumber(text: string, plan: NumberPlan | undefined, role: 'called' | 'calling'): string {
  const digits = digitsOf(text);
  if (plan === undefined || digits === undefined) return text;
  const { format, prefix, receive } = styleOf(plan, role);
  const bare = prefix !== '' && digits.startsWith(prefix) ? digits.slice(prefix.length) : digits;
  const known = rewritten(bare, receive);
  if (format === 'as-is') return known === digits ? text : known;
  return meantBy(known, plan, format) ?? known;
}

/** A number as the trunk is to get it, escaped for a URI. `text`: +E.164, or as people of that country dial. */
export function writeNumber(text: string, plan: NumberPlan | undefined, role: 'called' | 'calling'): string {
  const digits = digitsOf(text);
  if (plan === undefined || digits === undefined) return text;
  const { format, prefix, send } = styleOf(plan, role);
  if (format === 'as-is' && prefix === '' && send.length === 0) return text;
  return `${prefix}${formatted(digits, plan, role)}`.replaceAll('#', '%23');
}

/**
 * Every spelling under which somebody may have written a rule about a number that is called through a trunk: as it was
 * dialed; whole, as the trunk is going to understand what it gets; and as it is dialed within the country. No way to
 * dial a number so makes another of it.
 */
export function spellingsOf(text: string, plan: NumberPlan | undefined): readonly string[] {
  const digits = digitsOf(text) ?? text;
  if (plan === undefined) return [digits];
  const sent = formatted(digits, plan, 'called');
  const reached = meantBy(sent, plan, styleOf(plan, 'called').format) ?? meantBy(sent, plan, 'national') ?? sent;
  const within = reached.startsWith('+') ? nationally(reached.slice(1), plan) : undefined;
  return [...new Set([digits, reached, ...(within === undefined ? [] : [within])])];
}

function styleOf(plan: NumberPlan, role: 'called' | 'calling'): Filled<NumberStyle> {
  const { format = 'as-is', prefix = '', receive = [], send = [] } = plan[role] ?? {};
  return { format, prefix, receive, send };
}

/** Unescaped and without separators and parameters; undefined when it is no number. */
function digitsOf(text: string): string | undefined {
  const [number = ''] = unescaped(text).split(';', 1);
  const bare = number.replace(SEPARATORS, '');
  return /^\+?[\d*#]{1,40}$/.test(bare) ? bare : undefined;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function rewritten(number: string, rules: readonly NumberRewrite[]): string {
  const rule = rules.find(({ strip }) => number.startsWith(strip));
  return rule === undefined ? number : `${rule.prepend}${number.slice(rule.strip.length)}`;
}

function formatted(digits: string, plan: NumberPlan, role: 'called' | 'calling'): string {
  const { format, send } = styleOf(plan, role);
  const whole = format === 'as-is' ? undefined : meantBy(digits, plan, 'national');
  return rewritten(whole === undefined ? digits : inFormat(whole, plan, format), send);
}

function inFormat(whole: string, plan: NumberPlan, format: NumberFormat): string {
  const digits = whole.slice(1);
  const { international } = prefixesOf(plan);
  switch (format) {
    case 'digits':
      return digits;
    case 'international':
      return `${international}${digits}`;
    case 'national':
      return nationally(digits, plan) ?? `${international}${digits}`;
    case 'as-is':
    case 'e164':
      return whole;
  }
}

/** Undefined for another country, and where the trunk would read it as something else. */
function nationally(digits: string, plan: NumberPlan): string | undefined {
  const { country } = plan;
  if (country === undefined || !digits.startsWith(country)) return undefined;
  const number = `${prefixesOf(plan).national}${digits.slice(country.length)}`;
  return meantBy(number, plan, 'national') === `+${digits}` ? number : undefined;
}

/** The whole number, or undefined when that cannot be told. */
function meantBy(number: string, plan: NumberPlan, format: NumberFormat): string | undefined {
  if (number.startsWith('+')) return wholeNumber(number.slice(1));
  if (format === 'as-is' || number.length < (plan.shortest ?? DEFAULT_SHORTEST)) return undefined;
  // No country code begins with 0: such a number was dialed, whatever was agreed.
  if ((format === 'e164' || format === 'digits') && !number.startsWith('0')) return wholeNumber(number);
  const { international } = prefixesOf(plan);
  if (number.startsWith(international)) return wholeNumber(number.slice(international.length));
  return withinCountry(number, plan);
}

function withinCountry(number: string, plan: NumberPlan): string | undefined {
  const { country, area } = plan;
  const { national } = prefixesOf(plan);
  if (country === undefined) return undefined;
  const american = country === NANP ? NANP_NATIONAL.exec(number)?.[1] : undefined;
  if (american !== undefined) return wholeNumber(`${country}${american}`);
  if (country !== NANP && number.startsWith(national)) return wholeNumber(`${country}${number.slice(national.length)}`);
  return area === undefined ? undefined : wholeNumber(`${country}${area}${number}`);
}

function wholeNumber(digits: string): string | undefined {
  return E164.test(`+${digits}`) ? `+${digits}` : undefined;
}

function prefixesOf({ country = '', nationalPrefix, internationalPrefix }: NumberPlan): Prefixes {
  const usual = USUAL[country];
  return {
    national: nationalPrefix ?? usual?.national ?? '0',
    international: internationalPrefix ?? usual?.international ?? '00',
  };
}
