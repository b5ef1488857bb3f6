/**
 * A short XML text as a tree of elements. Strict: well-formed, no document type, no entities but XML's own five, and
 * bounded in size, depth and number, so that nothing a stranger's server writes costs more than reading it.
 */
import sax, { type SAXParser } from 'sax';

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children and without white space around it. */
  readonly text: string;
}

interface OpenElement extends XmlElement {
  readonly attributes: Map<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/** Characters. */
export const MAX_XML = 65_536;
const MAX_DEPTH = 8;
const MAX_ELEMENTS = 1000;
const MAX_ATTRIBUTES = 50;
/** Without the entities of HTML. */
const STRICT = { strictEntities: true, position: true };

/** Throws an Error with the place for anything else than one well-formed element. */
export function parseXml(text: string): XmlElement {
  if (text.length > MAX_XML) throw new RangeError(`more than ${MAX_XML} characters`);
  const tree = new TreeBuilder();
  const parser = sax.parser(true, STRICT);
  const refuse = (what: string): never => {
    throw new SyntaxError(`${what} in line ${parser.line + 1}`);
  };
  const handlers: Partial<SAXParser> = {
    ondoctype: () => refuse('a document type'),
    onprocessinginstruction: ({ name }) => (name === 'xml' ? undefined : refuse('a processing instruction')),
    onattribute: ({ name, value }) => tree.attribute(name, value),
    onopentag: ({ name }) => tree.open(name),
    onclosetag: () => tree.close(),
    ontext: (part) => tree.append(part),
    oncdata: (part) => tree.append(part),
    onerror: (error) => refuse(error.message.split('\n', 1)[0] ?? ''),
  };
  Object.assign(parser, handlers);
  parser.write(text).close();
  return tree.root ?? refuse('no element');
}

class TreeBuilder {
  root: XmlElement | undefined;
  readonly #open: OpenElement[] = [];
  #attributes = new Map<string, string>();
  #elements = 0;

  /** Comes before the element that it is of. */
  attribute(name: string, value: string): void {
    if (this.#attributes.size >= MAX_ATTRIBUTES) throw new RangeError(`more than ${MAX_ATTRIBUTES} attributes`);
    this.#attributes.set(name, value);
  }

  open(name: string): void {
    if (this.root !== undefined && this.#open.length === 0) throw new SyntaxError('more than one root');
    if (++this.#elements > MAX_ELEMENTS) throw new RangeError(`more than ${MAX_ELEMENTS} elements`);
    if (this.#open.length >= MAX_DEPTH) throw new RangeError(`elements nested deeper than ${MAX_DEPTH}`);
    const element: OpenElement = { name, attributes: this.#attributes, children: [], text: '' };
    this.#attributes = new Map();
    this.#open.at(-1)?.children.push(element);
    this.#open.push(element);
    this.root ??= element;
  }

  close(): void {
    const element = this.#open.pop();
    if (element !== undefined) element.text = element.text.trim();
  }

  append(text: string): void {
    const element = this.#open.at(-1);
    if (element !== undefined) element.text += text;
  }
}
