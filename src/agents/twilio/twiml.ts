/**
 * TwiML as far as a gateway can do it: what a voice application answers, as a list of verbs. Verbs that it cannot do
 * become `skip`; what is no TwiML, or contradicts itself, is refused whole.
 */
import { agentErrors } from '../errors.ts';
import { parseXml, type XmlElement } from './xml.ts';

export type HttpMethod = 'GET' | 'POST';

export interface Callback {
  readonly url: string;
  readonly method: HttpMethod;
}

export interface StreamNoun {
  /** ws: or wss: */
  readonly url: string;
  readonly name: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly statusCallback: Callback | undefined;
}

export type Verb =
  | { readonly kind: 'connect'; readonly stream: StreamNoun; readonly action: Callback | undefined }
  /** `targets`: numbers, SIP URIs and names of users, tried one after another. */
  | { readonly kind: 'dial'; readonly targets: readonly string[]; readonly action: Callback | undefined }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'digits'; readonly digits: string }
  | { readonly kind: 'redirect'; readonly to: Callback }
  | { readonly kind: 'reject'; readonly sipStatus: number }
  | { readonly kind: 'hangup' }
  /** Known or not, it is not done here. */
  | { readonly kind: 'skip'; readonly verb: string };

const MAX_VERBS = 200;
const MAX_TARGETS = 10;
/** Of name and value together, as the platform has it. */
const MAX_PARAMETER = 500;
const MAX_PARAMETERS = 100;
const MAX_PAUSE_SEC = 3600;
const DEFAULT_PAUSE_SEC = 1;
const MAX_URL = 4000;

/** `base`: where relative URLs start; undefined: there may be none. Throws AGENT_TWIML. */
export function parseTwiml(text: string, base: string | undefined): readonly Verb[] {
  try {
    const root = parseXml(text);
    if (root.name !== 'Response') throw new SyntaxError(`the root must be Response, not ${root.name.slice(0, 64)}`);
    noText(root);
    if (root.children.length > MAX_VERBS) throw new RangeError(`more than ${MAX_VERBS} verbs`);
    return root.children.map((element) => verbOf(element, base));
  } catch (cause) {
    throw agentErrors.AGENT_TWIML([cause instanceof Error ? cause.message : String(cause)], { cause });
  }
}

type Reader = (element: XmlElement, base: string | undefined) => Verb;

const readers: Readonly<Record<string, Reader>> = {
  Connect: connectOf,
  Dial: dialOf,
  Hangup: () => ({ kind: 'hangup' }),
  Pause: (element) => ({ kind: 'pause', ms: pauseSecOf(element) * 1000 }),
  Play: playOf,
  Redirect: (element, base) => ({
    kind: 'redirect',
    to: callback(element.text, element.attributes.get('method'), base),
  }),
  // Who is busy may be tried again, who declines not (RFC 3261 §21.4.24, §21.6.2).
  Reject: (element) => ({
    kind: 'reject',
    sipStatus: oneOf(element, 'reason', ['rejected', 'busy']) === 'busy' ? 486 : 603,
  }),
};

function verbOf(element: XmlElement, base: string | undefined): Verb {
  const reader = Object.hasOwn(readers, element.name) ? readers[element.name] : undefined;
  return reader === undefined ? skipped(element.name) : reader(element, base);
}

const skipped = (verb: string): Verb => ({ kind: 'skip', verb: verb.slice(0, 64) });

function connectOf(element: XmlElement, base: string | undefined): Verb {
  noText(element);
  const [noun, ...more] = element.children;
  if (noun === undefined || more.length > 0) throw new SyntaxError('Connect needs exactly one noun');
  if (noun.name !== 'Stream') return skipped(`Connect/${noun.name}`);
  return { kind: 'connect', stream: streamOf(noun, base), action: callbackIn(element, 'action', base) };
}

function streamOf(element: XmlElement, base: string | undefined): StreamNoun {
  noText(element);
  const url = element.attributes.get('url') ?? '';
  const { protocol } = absolute(url, undefined);
  if (protocol !== 'wss:' && protocol !== 'ws:') throw new SyntaxError('the url of Stream must be wss:// or ws://');
  oneOf(element, 'track', ['inbound_track']);
  return {
    url,
    name: element.attributes.get('name')?.slice(0, 256),
    parameters: parametersOf(element),
    statusCallback: callbackIn(element, 'statusCallback', base),
  };
}

function parametersOf({ children }: XmlElement): Readonly<Record<string, string>> {
  if (children.length > MAX_PARAMETERS) throw new RangeError(`more than ${MAX_PARAMETERS} parameters`);
  const entries = children.map(({ name, attributes }): [string, string] => {
    if (name !== 'Parameter') throw new SyntaxError(`Stream has Parameter inside, not ${name.slice(0, 64)}`);
    const [key, value] = [attributes.get('name') ?? '', attributes.get('value') ?? ''];
    if (key === '') throw new SyntaxError('a Parameter needs a name');
    if (key.length + value.length > MAX_PARAMETER)
      throw new RangeError(`a Parameter above ${MAX_PARAMETER} characters`);
    return [key, value];
  });
  return Object.fromEntries(entries);
}

const NUMBER = /^\+?[0-9*#]{1,32}$/;

function dialOf(element: XmlElement, base: string | undefined): Verb {
  const { children, text } = element;
  if (children.length > MAX_TARGETS) throw new RangeError(`more than ${MAX_TARGETS} targets`);
  const unknown = children.find(({ name }) => !Object.hasOwn(targetReaders, name));
  if (unknown !== undefined) return skipped(`Dial/${unknown.name}`);
  const targets = children.map((noun) => targetReaders[noun.name]?.(noun) ?? '');
  if (text !== '') targets.unshift(numberOf(text));
  if (targets.length === 0) throw new SyntaxError('Dial needs somebody to dial');
  return { kind: 'dial', targets, action: callbackIn(element, 'action', base) };
}

const targetReaders: Readonly<Record<string, (noun: XmlElement) => string>> = {
  Number: ({ text }) => numberOf(text),
  Sip: ({ text }) => {
    if (!/^sips?:[^\s<>"]{1,256}$/i.test(text)) throw new SyntaxError('Sip needs a SIP URI');
    return text;
  },
  Client: ({ text, children }) => {
    const name = children.find((child) => child.name === 'Identity')?.text ?? text;
    if (!/^[\w.+-]{1,64}$/.test(name)) throw new SyntaxError('Client needs the name of a user');
    return name;
  },
};

function numberOf(text: string): string {
  const number = text.replace(/[\s().-]/g, '');
  if (!NUMBER.test(number)) throw new SyntaxError('a number has digits only');
  return number;
}

function playOf({ attributes }: XmlElement): Verb {
  const digits = attributes.get('digits');
  if (digits === undefined) return skipped('Play');
  // W is a whole second, and ours is half of one.
  const keys = digits.replaceAll('W', 'ww');
  if (!/^[0-9*#A-Dw]{1,64}$/.test(keys)) throw new SyntaxError('digits of Play that are none');
  return { kind: 'digits', digits: keys };
}

function pauseSecOf({ attributes }: XmlElement): number {
  const length = attributes.get('length') ?? String(DEFAULT_PAUSE_SEC);
  if (!/^\d{1,5}$/.test(length)) throw new SyntaxError('the length of Pause must be a number of seconds');
  return Math.min(Number(length), MAX_PAUSE_SEC);
}

function callbackIn(
  { attributes }: XmlElement,
  key: 'action' | 'statusCallback',
  base: string | undefined,
): Callback | undefined {
  const url = attributes.get(key);
  const method = attributes.get(key === 'action' ? 'method' : 'statusCallbackMethod');
  return url === undefined || url === '' ? undefined : callback(url, method, base);
}

/** Throws for a URL that is none. */
export function callback(url: string, method: string | undefined, base: string | undefined): Callback {
  const { protocol, href } = absolute(url, base);
  if (protocol !== 'https:' && protocol !== 'http:') throw new SyntaxError('a URL must be https:// or http://');
  const name = (method ?? 'POST').toUpperCase();
  if (name !== 'POST' && name !== 'GET') throw new SyntaxError('a method must be GET or POST');
  return { url: href, method: name };
}

function absolute(url: string, base: string | undefined): URL {
  const parsed = url.length > MAX_URL ? null : URL.parse(url, base);
  if (parsed === null) throw new SyntaxError('a URL that is none');
  return parsed;
}

function oneOf<Value extends string>(
  { attributes }: XmlElement,
  key: string,
  values: readonly [Value, ...Value[]],
): Value {
  const value = attributes.get(key) ?? values[0];
  const known = values.find((each) => each === value);
  if (known === undefined) throw new SyntaxError(`${key} must be ${values.join(' or ')}`);
  return known;
}

function noText({ name, text }: XmlElement): void {
  if (text !== '') throw new SyntaxError(`text directly in ${name}`);
}
