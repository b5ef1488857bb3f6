/**
 * Splits header text at a separator, but not inside quoted strings or angle brackets (RFC 3261 §7.3.1, §25.1).
 * Parts are trimmed of spaces and tabs and may be empty.
 */
export function splitOutside(text: string, separator: ',' | ';'): string[] {
  if (!text.includes(separator)) return [trimLws(text)];
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  let isBracketed = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isQuoted) {
      if (char === '\\') at++;
      else if (char === '"') isQuoted = false;
    } else if (char === '"') isQuoted = true;
    else if (char === '<') isBracketed = true;
    else if (char === '>') isBracketed = false;
    else if (char === separator && !isBracketed) {
      parts.push(trimLws(text.slice(start, at)));
      start = at + 1;
    }
  }
  parts.push(trimLws(text.slice(start)));
  return parts;
}

/** Trims spaces and tabs only: String.trim would also eat characters that mean something, such as U+FEFF. */
export function trimLws(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isLws(text.charCodeAt(start))) start++;
  while (end > start && isLws(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isLws(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
