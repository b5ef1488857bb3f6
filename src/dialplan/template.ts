/** Destinations with placeholders: `+49${1}`, `${0}`, `${from.1}`, `${mapped}`. */

/** What a rule's patterns matched. Index 0 is the whole user part, 1 and up are the groups. */
export interface Captures {
  readonly to: readonly string[];
  readonly from: readonly string[];
  /** The entry of the dialplan's `numbers` for the dialed user part, if there is one. */
  readonly mapped: string | undefined;
}

const PLACEHOLDER = /\$\{([^}]*)\}/gu;
const REFERENCE = /^(?:(from\.)?(\d)|mapped)$/u;

/** What is wrong with a template, undefined when nothing is. */
export function templateProblem(template: string, toGroups: number, fromGroups: number): string | undefined {
  for (const [whole, name = ''] of template.matchAll(PLACEHOLDER)) {
    const reference = REFERENCE.exec(name);
    if (reference === null)
      return `${whole} is no placeholder; use \${0}, \${1}…, \${from.0}, \${from.1}… or \${mapped}`;
    const [, from, index = '0'] = reference;
    const groups = from === undefined ? toGroups : fromGroups;
    if (Number(index) > groups) {
      const side = from === undefined ? 'to' : 'from';
      return `${whole} asks for a group that when.${side} does not have; put ( ) around the part you mean`;
    }
  }
  return undefined;
}

/** The filled template; undefined when it needs an entry of `numbers` that is not there. */
export function fillTemplate(template: string, captures: Captures): string | undefined {
  if (template.includes('${mapped}') && captures.mapped === undefined) return undefined;
  return template.replace(PLACEHOLDER, (_whole, name: string) => {
    if (name === 'mapped') return captures.mapped ?? '';
    const side = name.startsWith('from.') ? captures.from : captures.to;
    return side[Number(name.replace('from.', ''))] ?? '';
  });
}
