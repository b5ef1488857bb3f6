/** WAV files of 16-bit PCM (RIFF, format 1). */

export interface Recording {
  readonly rateHz: number;
  /** One array per channel. */
  readonly channels: readonly Int16Array[];
}

const PCM = 1;
/** The sub-format of PCM is named in the extension's GUID; its first two bytes are the format code. */
const EXTENSIBLE = 0xfffe;

/** Reads a WAV file; throws RangeError for anything but 16-bit PCM. A data chunk cut short is read as far as it goes. */
export function readWav(file: Uint8Array): Recording {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 12 || tag(view, 0) !== 'RIFF' || tag(view, 8) !== 'WAVE') throw new RangeError('not a WAV file');
  let format: { channels: number; rateHz: number } | undefined;
  for (let at = 12; at + 8 <= file.length; ) {
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    if (tag(view, at) === 'fmt ') format = readFormat(view, body);
    if (tag(view, at) === 'data') {
      if (!format) throw new RangeError('WAV data without format');
      return { rateHz: format.rateHz, channels: readSamples(view, body, size, format.channels) };
    }
    at = body + size + (size & 1);
  }
  throw new RangeError('WAV file without data');
}

/** Writes one or more channels of equal length. */
export function writeWav({ rateHz, channels }: Recording): Uint8Array {
  const count = channels[0]?.length ?? 0;
  const frameBytes = 2 * channels.length;
  const bytes = new Uint8Array(44 + count * frameBytes);
  const view = new DataView(bytes.buffer);
  putTag(bytes, 0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  putTag(bytes, 8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, rateHz, true);
  view.setUint32(28, rateHz * frameBytes, true);
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, 16, true);
  putTag(bytes, 36, 'data');
  view.setUint32(40, count * frameBytes, true);
  for (const [channel, samples] of channels.entries()) {
    for (let i = 0; i < count; i++) view.setInt16(44 + i * frameBytes + 2 * channel, samples[i] ?? 0, true);
  }
  return bytes;
}

function readFormat(view: DataView, at: number): { channels: number; rateHz: number } {
  const code = view.getUint16(at, true);
  const format = code === EXTENSIBLE ? view.getUint16(at + 24, true) : code;
  if (format !== PCM || view.getUint16(at + 14, true) !== 16) throw new RangeError('WAV file is not 16-bit PCM');
  return { channels: view.getUint16(at + 2, true), rateHz: view.getUint32(at + 4, true) };
}

function readSamples(view: DataView, at: number, size: number, channels: number): Int16Array[] {
  const count = Math.floor(Math.min(size, view.byteLength - at) / (2 * channels));
  return Array.from({ length: channels }, (_, channel) => {
    const samples = new Int16Array(count);
    for (let i = 0; i < count; i++) samples[i] = view.getInt16(at + 2 * (i * channels + channel), true);
    return samples;
  });
}

function tag(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

function putTag(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}
