/** The tools of one call: so many at once, and none once it is over. */
import { failure, type Tool, type ToolPlace, type ToolTerms } from './tool.ts';

/** Of one call at once. */
const MAX_RUNNING = 8;

export class ToolBox {
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #place: Omit<ToolPlace, 'signal'>;
  readonly #over = new AbortController();
  #running = 0;

  constructor(tools: readonly Tool[], place: Omit<ToolPlace, 'signal'>) {
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
    this.#place = place;
  }

  get terms(): readonly ToolTerms[] {
    return [...this.#tools.values()].map(({ name, description, parameters }) => ({ name, description, parameters }));
  }

  /** `text`: the arguments as JSON. Undefined: the call is over, nobody wants to know. Never rejects. */
  async run(name: string, text: string): Promise<object | undefined> {
    const tool = this.#tools.get(name);
    if (tool === undefined) return failure(`there is no function ${name}`);
    if (this.#running >= MAX_RUNNING) return failure('too many functions are running');
    const input = parsed(text);
    if (input === undefined) return failure('the arguments are no JSON object');
    this.#running += 1;
    try {
      const result = await tool.run(input, { ...this.#place, signal: this.#over.signal });
      return this.#over.signal.aborted ? undefined : result;
    } catch {
      return failure('the function failed');
    } finally {
      this.#running -= 1;
    }
  }

  close(): void {
    this.#over.abort(OVER);
  }
}

/** Given as the reason, because without one an error with a stack is made for each call. */
const OVER = 'call ended';

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
