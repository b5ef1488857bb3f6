/** Janus's WebSocket API, as far as its SIP plugin needs it. */
import { once } from 'node:events';
import WebSocket from 'ws';
import { sleep } from '../lib/command.ts';
import { token } from '../lib/sdp.ts';

interface JanusMessage {
  readonly janus: string;
  readonly transaction?: string;
  readonly sender?: number;
  readonly reason?: string;
  readonly data?: { readonly id: number };
  readonly error?: { readonly reason: string };
  readonly jsep?: { readonly type: string; readonly sdp: string };
  readonly plugindata?: { readonly data: { readonly error?: string; readonly result?: { readonly event?: string } } };
}

const answerMs = 8000;

async function opened(url: string): Promise<WebSocket> {
  for (let attempt = 0; ; attempt += 1) {
    const socket = new WebSocket(url, 'janus-protocol');
    try {
      await once(socket, 'open');
      return socket;
    } catch (error) {
      if (attempt === 30) throw error;
      await sleep(200);
    }
  }
}

export class JanusClient {
  readonly #socket: WebSocket;
  readonly #replies = new Map<string, (message: JanusMessage) => void>();
  readonly #handles = new Map<number, (message: JanusMessage) => void>();
  #session = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (text: Buffer) => this.#onMessage(JSON.parse(text.toString()) as JanusMessage));
  }

  static async connect(url: string): Promise<JanusClient> {
    const client = new JanusClient(await opened(url));
    client.#session = (await client.#request({ janus: 'create' })).data?.id ?? 0;
    return client;
  }

  async attach(plugin: string): Promise<number> {
    return (await this.#request({ janus: 'attach', session_id: this.#session, plugin })).data?.id ?? 0;
  }

  /** Sends a plugin message and resolves with the first event called `event`. */
  ask(
    handle: number,
    body: Record<string, unknown>,
    event: string,
    jsep?: { type: string; sdp: string },
  ): Promise<JanusMessage> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`janus: no ${event}`)), answerMs);
      this.#handles.set(handle, (message) => {
        const data = message.plugindata?.data;
        const failure = data?.error ?? (message.janus === 'hangup' ? `hangup ${message.reason}` : undefined);
        if (failure !== undefined) reject(new Error(`janus: ${failure}`));
        else if (data?.result?.event !== event) return;
        else resolve(message);
        clearTimeout(timer);
      });
      this.#send({
        janus: 'message',
        session_id: this.#session,
        handle_id: handle,
        transaction: token(10),
        body,
        ...(jsep ? { jsep } : {}),
      });
    });
  }

  close(): void {
    this.#socket.terminate();
  }

  async #request(message: Record<string, unknown>): Promise<JanusMessage> {
    const transaction = token(10);
    const reply = await new Promise<JanusMessage>((resolve) => {
      this.#replies.set(transaction, resolve);
      this.#send({ ...message, transaction });
    });
    this.#replies.delete(transaction);
    if (reply.error !== undefined) throw new Error(`janus: ${reply.error.reason}`);
    return reply;
  }

  #send(message: Record<string, unknown>): void {
    this.#socket.send(JSON.stringify(message));
  }

  #onMessage(message: JanusMessage): void {
    const isReply = message.janus === 'success' || message.janus === 'error';
    if (isReply && message.transaction !== undefined) this.#replies.get(message.transaction)?.(message);
    if (message.sender !== undefined) this.#handles.get(message.sender)?.(message);
  }
}
