/** STUN as far as a SIP port owes it: Binding requests are answered (RFC 5626 §4.4.2 and §8, RFC 8489). Pure. */
import { isIPv4 } from 'node:net';

const COOKIE = 0x2112_a442;
const HEADER_BYTES = 20;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const XOR_MAPPED_ADDRESS = 0x0020;
const ERROR_CODE = 0x0009;
const UNKNOWN_ATTRIBUTES = 0x000a;
/** Below it an attribute must be understood (RFC 8489 §14). */
const OPTIONAL_FROM = 0x8000;
/** Credentials are nothing a keep-alive has; who sends them anyway is answered without. */
const KNOWN = new Set([XOR_MAPPED_ADDRESS, 0x0001, 0x0006, 0x0008, 0x0014, 0x0015, 0x001c]);
const MAX_UNKNOWN = 8;

/** No SIP message begins with two zero bits and has the magic cookie in its second word. */
export function isStun(data: Buffer): boolean {
  return data.length >= HEADER_BYTES && (data[0] ?? 0xff) < 4 && data.readUInt32BE(4) === COOKIE;
}

/** The answer to a Binding request: where it came from. Undefined for all else, which is not answered. */
export function stunAnswer(request: Buffer, address: string, port: number): Buffer | undefined {
  const isWhole = isStun(request) && request.readUInt16BE(2) === request.length - HEADER_BYTES;
  if (!isWhole || request.readUInt16BE(0) !== BINDING_REQUEST) return undefined;
  const unknown = unknownAttributes(request);
  if (unknown === undefined) return undefined;
  if (unknown.length > 0)
    return message(BINDING_ERROR, request, [unknownError(), attribute(UNKNOWN_ATTRIBUTES, words(unknown))]);
  return message(BINDING_SUCCESS, request, [attribute(XOR_MAPPED_ADDRESS, xorAddress(request, address, port))]);
}

/** Undefined when the attributes do not add up. */
function unknownAttributes(request: Buffer): number[] | undefined {
  const unknown: number[] = [];
  let at = HEADER_BYTES;
  while (at < request.length) {
    if (at + 4 > request.length) return undefined;
    const type = request.readUInt16BE(at);
    if (type < OPTIONAL_FROM && !KNOWN.has(type) && unknown.length < MAX_UNKNOWN) unknown.push(type);
    at += 4 + Math.ceil(request.readUInt16BE(at + 2) / 4) * 4;
  }
  return at === request.length ? unknown : undefined;
}

function xorAddress(request: Buffer, address: string, port: number): Buffer {
  const bytes = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : bytes6(address);
  const value = Buffer.alloc(4 + bytes.length);
  value[1] = bytes.length === 4 ? 1 : 2;
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  for (const [index, byte] of bytes.entries()) value[4 + index] = byte ^ (request[4 + index] ?? 0);
  return value;
}

function bytes6(address: string): Buffer {
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  return words(groups.map((group) => Number.parseInt(group, 16)));
}

function unknownError(): Buffer {
  const reason = Buffer.from('Unknown Attribute');
  return attribute(ERROR_CODE, Buffer.concat([Buffer.from([0, 0, 4, 20]), reason]));
}

function words(values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) buffer.writeUInt16BE(value, index * 2);
  return buffer;
}

function attribute(type: number, value: Buffer): Buffer {
  const padded = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  padded.writeUInt16BE(type, 0);
  padded.writeUInt16BE(value.length, 2);
  value.copy(padded, 4);
  return padded;
}

function message(type: number, request: Buffer, attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat(attributes);
  const head = Buffer.from(request.subarray(0, HEADER_BYTES));
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}
