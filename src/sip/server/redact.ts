/** What must not leave the gateway with a SIP message that is shown: answers to challenges, media keys, pressed keys. */

const MASK = '***';
const SECRETS: readonly [RegExp, string][] = [
  // RFC 7616 §3.4: with the response and what goes into it a password can be guessed offline.
  [/^((?:Proxy-)?Authorization\s*:.*)$/gim, ''],
  // RFC 4568 §6.1 and RFC 8839 §5.4.
  [/^(a=crypto:[^\r\n]*?inline:)[^\r\n]+/gim, `$1${MASK}`],
  [/^(a=ice-pwd:).+$/gim, `$1${MASK}`],
  // Digits as INFO carries them.
  [/^(Signal\s*=\s*).+$/gim, `$1${MASK}`],
];

/** The text of a message without what nobody else may know. */
export function redact(text: string): string {
  let shown = text;
  for (const [pattern, mask] of SECRETS) {
    shown = mask === '' ? shown.replace(pattern, maskCredentials) : shown.replace(pattern, mask);
  }
  return /^Content-Type\s*:\s*application\/dtmf\s*$/im.test(text) ? maskBody(shown) : shown;
}

function maskCredentials(line: string): string {
  return line.replace(/\b(response|cnonce|nonce)="[^"]*"/gi, `$1="${MASK}"`);
}

/** A body that is nothing but the key. */
function maskBody(text: string): string {
  const at = text.indexOf('\r\n\r\n');
  return at < 0 ? text : `${text.slice(0, at + 4)}${MASK}`;
}
