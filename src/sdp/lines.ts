/**
 * SDP text → lines, sections and attributes (RFC 8866 §5), without knowing what they mean.
 * Every limit against hostile size is here, so that what comes after may be simple.
 */
import { sdpErrors } from './errors.ts';

const MAX_TEXT = 65_536;
const MAX_LINES = 2_000;
const MAX_SECTIONS = 32;
const MAX_FORMATS = 128;

export interface SdpAttribute {
  readonly name: string;
  /** '' for a property attribute such as a=rtcp-mux. */
  readonly value: string;
}

/** One m= line with what belongs to it. */
export interface SdpSection {
  readonly media: string;
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly string[];
  connection: string | undefined;
  readonly attributes: SdpAttribute[];
}

export interface SdpLines {
  connection: string | undefined;
  /** Session-level attributes. */
  readonly attributes: SdpAttribute[];
  readonly sections: SdpSection[];
}

/** Splits the text; refuses what is too large or is not SDP at all. Unknown line types are passed over (RFC 8866 §5). */
export function splitLines(text: string): SdpLines {
  if (text.length > MAX_TEXT) throw sdpErrors.SDP_TOO_LARGE([`more than ${MAX_TEXT} characters`]);
  if (text.includes('\0')) throw sdpErrors.SDP_MALFORMED(['it contains a NUL']);
  const lines = text.split(/\r\n|\n|\r/u).filter((line) => line.trim() !== '');
  if (lines.length > MAX_LINES) throw sdpErrors.SDP_TOO_LARGE([`more than ${MAX_LINES} lines`]);
  if (lines[0]?.trim() !== 'v=0') throw sdpErrors.SDP_MALFORMED(['it does not begin with v=0']);
  const result: SdpLines = { connection: undefined, attributes: [], sections: [] };
  for (const line of lines) addLine(result, line);
  return result;
}

function addLine(result: SdpLines, line: string): void {
  if (!/^[a-z]=/u.test(line)) throw sdpErrors.SDP_MALFORMED(['a line is not of the form x=…']);
  const value = line.slice(2).trim();
  const target = result.sections.at(-1) ?? result;
  if (line.startsWith('a=')) {
    target.attributes.push(parseAttribute(value));
  } else if (line.startsWith('c=')) {
    target.connection ??= value;
  } else if (line.startsWith('m=')) {
    if (result.sections.length === MAX_SECTIONS) throw sdpErrors.SDP_TOO_LARGE([`more than ${MAX_SECTIONS} m= lines`]);
    result.sections.push(parseMediaLine(value));
  }
}

function parseAttribute(value: string): SdpAttribute {
  const colon = value.indexOf(':');
  return colon < 0 ? { name: value, value: '' } : { name: value.slice(0, colon), value: value.slice(colon + 1).trim() };
}

/** `audio 49170/2 RTP/AVP 0 8 97`, RFC 8866 §5.14. */
function parseMediaLine(value: string): SdpSection {
  const [media = '', portText = '', protocol = '', ...formats] = value.split(/ +/u);
  const port = /^(\d{1,5})(?:\/\d{1,5})?$/u.exec(portText)?.[1];
  if (port === undefined || Number(port) > 65_535) throw sdpErrors.SDP_MALFORMED(['an m= line has no valid port']);
  if (!/^[\w.+-]{1,64}$/u.test(media) || !/^[\w./+-]{1,64}$/u.test(protocol)) {
    throw sdpErrors.SDP_MALFORMED(['an m= line names no media or no protocol']);
  }
  if (formats.length === 0) throw sdpErrors.SDP_MALFORMED(['an m= line lists no formats']);
  if (formats.length > MAX_FORMATS) throw sdpErrors.SDP_TOO_LARGE([`more than ${MAX_FORMATS} formats in one m= line`]);
  return { media, port: Number(port), protocol, formats, connection: undefined, attributes: [] };
}

/** The value of the first attribute of that name, '' for a property, undefined when absent. */
export function attribute(attributes: readonly SdpAttribute[], name: string): string | undefined {
  return attributes.find((each) => each.name === name)?.value;
}

/** The values of all attributes of that name, in order. */
export function attributeValues(attributes: readonly SdpAttribute[], name: string): string[] {
  return attributes.filter((each) => each.name === name).map((each) => each.value);
}
