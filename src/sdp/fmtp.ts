/** The value of a=fmtp as parameters: `name=value` pairs between semicolons. Names have no case. */

/** In the order given, the first of each name; a parameter without a value has ''. */
export function parseFmtp(fmtp: string): Map<string, string> {
  const result = new Map<string, string>();
  for (const part of fmtp.split(';')) {
    const [, name = '', value = ''] = /^\s*([^\s=]+)\s*(?:=\s*(.*?)\s*)?$/u.exec(part) ?? [];
    if (name !== '' && !result.has(name.toLowerCase())) result.set(name.toLowerCase(), value);
  }
  return result;
}

export function formatFmtp(parameters: ReadonlyMap<string, string>): string {
  return [...parameters].map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join(';');
}
