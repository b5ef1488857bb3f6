/** V8's inspector of a running gateway: collects the garbage of every thread and tells how large their heaps are. */
import { WebSocket } from 'ws';
import { sleep } from './command.ts';

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly message?: string };
  readonly result?: { readonly result?: { readonly value?: number } };
}

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #threads: string[] = [];
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#received(JSON.parse(data.toString()) as Reply));
  }

  static async connect(port: number): Promise<Inspector> {
    const [page] = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(page?.webSocketDebuggerUrl ?? '', { perMessageDeflate: false });
    const inspector = new Inspector(socket);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    await inspector.#ask(undefined, 'NodeWorker.enable', { waitForDebuggerOnStart: false });
    await sleep(500);
    return inspector;
  }

  /** Bytes in use on the heaps of all threads, after a full collection. */
  async usedHeap(): Promise<number> {
    let used = 0;
    for (const thread of [undefined, ...this.#threads]) {
      await this.#ask(thread, 'HeapProfiler.collectGarbage', {});
      const expression = 'process.memoryUsage().heapUsed';
      const { result } = await this.#ask(thread, 'Runtime.evaluate', { expression, returnByValue: true });
      used += result?.result?.value ?? Number.NaN;
    }
    return used;
  }

  close(): void {
    this.#socket.close();
  }

  async #ask(thread: string | undefined, method: string, params: object): Promise<Reply> {
    const id = this.#nextId++;
    const message = JSON.stringify({ id, method, params });
    const sent =
      thread === undefined
        ? message
        : JSON.stringify({
            id: this.#nextId++,
            method: 'NodeWorker.sendMessageToWorker',
            params: { sessionId: thread, message },
          });
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(sent);
    });
  }

  #received(reply: Reply): void {
    const { method, params } = reply;
    if (method === 'NodeWorker.attachedToWorker') this.#threads.push(params?.sessionId ?? '');
    if (method === 'NodeWorker.receivedMessageFromWorker') this.#received(JSON.parse(params?.message ?? '{}') as Reply);
    if (reply.id === undefined) return;
    this.#waiting.get(reply.id)?.(reply);
    this.#waiting.delete(reply.id);
  }
}
