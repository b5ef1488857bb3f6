/** A participant of a room: a page of the gateway in Chromium that drives the SDK, with a tone for a voice. */
import type { BrowserContext, Page } from 'playwright-core';
import type { RoomView } from '../../src/signaling/protocol/index.ts';
import { type Chromium, recordAudio } from './chromium.ts';
import type { Gateway } from './gateway.ts';
import type { Sound } from './sound.ts';

type Track = object & { readonly kind: string };

interface JoinOptions {
  readonly iceTransportPolicy?: 'all' | 'relay';
}

/** As much of the SDK's RoomClient as is driven: its own types need those of a browser. */
interface RoomClient {
  readonly room: RoomView;
  readonly state: { readonly kind: string };
  readonly participantId: string;
  readonly activeSpeaker: string | undefined;
  readonly tracks: readonly { publicationId: string; track: Track }[];
  publish(options: object): Promise<void>;
  unpublish(source: string): Promise<void>;
  mute(source: string, isMuted: boolean): Promise<void>;
  hold(publicationId: string, isHeld: boolean): Promise<void>;
  remove(participantId: string): Promise<void>;
  show(publicationId: string, heightPx: number): Promise<void>;
  openChannel(label: string): Promise<void>;
  send(label: string, data: string): void;
  leave(): Promise<void>;
  stats(): Promise<Record<'sent' | 'received', ReadonlyMap<string, StreamStats & { type: string }> | undefined>>;
  on(name: string, listener: (event: never) => void): void;
}

/** What the page keeps under `globalThis.here`. */
interface Here {
  client: RoomClient;
  readonly events: { name: string; at: number; data: unknown }[];
  readonly data: { participantId: string; label: string; data: unknown }[];
  oscillator: { frequency: { value: number } } | undefined;
}

interface RoomWindow {
  readonly here: Here;
  readonly document: {
    createElement(tag: string): Record<string, unknown> & { play(): Promise<void> };
    querySelector(selector: string): unknown;
    readonly body: { append(node: unknown): void };
  };
}

export interface StreamStats {
  readonly kind?: string;
  readonly rid?: string;
  readonly frameHeight?: number;
  readonly framesDecoded?: number;
  readonly framesEncoded?: number;
  readonly framesPerSecond?: number;
  readonly keyFramesEncoded?: number;
  readonly pliCount?: number;
  readonly bytesSent?: number;
  readonly codecId?: string;
}

export class RoomPage {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly user: string;
  readonly #gateway: Gateway;

  private constructor(page: Page, context: BrowserContext, gateway: Gateway, user: string) {
    this.page = page;
    this.context = context;
    this.user = user;
    this.#gateway = gateway;
  }

  static async open(
    chromium: Chromium,
    gateway: Gateway,
    { user, origin = gateway.origin }: { readonly user: string; readonly origin?: string },
  ): Promise<RoomPage> {
    const context = await chromium.context({ bypassCSP: true });
    const page = await context.newPage();
    page.on('pageerror', (error) => console.error(`page of ${user}: ${error.message}`));
    await page.goto(`${origin}/`);
    await page.addScriptTag({ type: 'module', content: 'import * as sdk from "/rooms.js"; globalThis.sdk = sdk;' });
    await page.waitForFunction(() => 'sdk' in globalThis);
    return new RoomPage(page, context, gateway, user);
  }

  /** Joins with a token of the account. Rejects with `code` of the RoomError in its text. */
  async join(room: string, options: JoinOptions = {}): Promise<void> {
    const { password } = this.#gateway.credentials(this.user);
    await this.page.evaluate(joinInPage, { room, user: this.user, password, options });
  }

  /** Says a tone. */
  async speak(hz: number): Promise<void> {
    await this.page.evaluate(async (frequency) => {
      const { AudioContext } = globalThis as unknown as {
        AudioContext: new () => {
          createOscillator(): { frequency: { value: number }; connect(to: unknown): void; start(): void };
          createMediaStreamDestination(): { stream: { getAudioTracks(): Track[] } };
        };
      };
      const { here } = globalThis as unknown as RoomWindow;
      const context = new AudioContext();
      const oscillator = context.createOscillator();
      oscillator.frequency.value = frequency;
      const destination = context.createMediaStreamDestination();
      oscillator.connect(destination);
      oscillator.start();
      here.oscillator = oscillator;
      await here.client.publish({ source: 'microphone', track: destination.stream.getAudioTracks()[0]! });
    }, hz);
  }

  /** Shows the fake camera's picture. */
  async show(
    { width, height, frameRate }: { width: number; height: number; frameRate: number },
    options: { readonly codec?: 'VP8' | 'VP9' | 'H264' | 'AV1'; readonly source?: 'camera' | 'screen' } = {},
  ): Promise<void> {
    await this.page.evaluate(
      async ([constraints, { codec, source = 'camera' }]) => {
        const { navigator, here } = globalThis as unknown as RoomWindow & {
          navigator: {
            mediaDevices: { getUserMedia(wanted: object): Promise<{ getVideoTracks(): Track[] }> };
          };
        };
        const stream = await navigator.mediaDevices.getUserMedia({ video: constraints });
        const track = stream.getVideoTracks()[0]!;
        await here.client.publish({ source, track, ...(codec === undefined ? {} : { codec }) });
      },
      [{ width, height, frameRate }, options] as const,
    );
  }

  async room(): Promise<RoomView> {
    return this.page.evaluate(() => (globalThis as unknown as RoomWindow).here.client.room);
  }

  async state(): Promise<string> {
    return this.page.evaluate(() => (globalThis as unknown as RoomWindow).here.client.state.kind);
  }

  async activeSpeaker(): Promise<string | undefined> {
    return this.page.evaluate(() => (globalThis as unknown as RoomWindow).here.client.activeSpeaker);
  }

  async participantId(): Promise<string> {
    return this.page.evaluate(() => (globalThis as unknown as RoomWindow).here.client.participantId);
  }

  async events(name: string): Promise<readonly { readonly at: number; readonly data: unknown }[]> {
    return this.page.evaluate(
      (wanted) => (globalThis as unknown as RoomWindow).here.events.filter((each) => each.name === wanted),
      name,
    );
  }

  /** Runs a verb of the client; its error's code and text are thrown. */
  async call<Name extends 'mute' | 'hold' | 'remove' | 'leave' | 'unpublish' | 'openChannel' | 'send' | 'show'>(
    name: Name,
    ...args: Parameters<RoomClient[Name]>
  ): Promise<void> {
    await this.page.evaluate(
      async ([verb, values]) => {
        const { client } = (globalThis as unknown as RoomWindow).here;
        const run = client[verb].bind(client) as (...all: unknown[]) => unknown;
        await Promise.resolve(run(...values)).catch((error: { code?: string; message: string }) => {
          throw new Error(`${error.code}: ${error.message}`);
        });
      },
      [name, args as unknown[]] as const,
    );
  }

  async data(): Promise<Here['data']> {
    return this.page.evaluate(() => (globalThis as unknown as RoomWindow).here.data);
  }

  /** Sends `count` numbered messages over a channel, as fast as it takes them. */
  async sendMany(label: string, count: number): Promise<void> {
    await this.page.evaluate(
      async ([channel, messages]) => {
        const { client } = (globalThis as unknown as RoomWindow).here;
        for (let i = 0; i < messages; i++) {
          for (;;) {
            try {
              client.send(channel, String(i));
              break;
            } catch {
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
          }
        }
      },
      [label, count] as const,
    );
  }

  /** The id of the publication that `subject` has of this source. */
  async publicationOf(subject: string, source: string): Promise<string | undefined> {
    const { participants } = await this.room();
    const publications = participants.find((each) => each.subject === subject)?.publications;
    return publications?.find((each) => each.source === source)?.publicationId;
  }

  /** Records what comes of this publication. */
  async hear(publicationId: string, seconds: number): Promise<Sound> {
    return recordAudio(this.page, `#p-${publicationId}`, seconds);
  }

  /** What the browser counts of streams: `inbound-rtp` or `outbound-rtp`. */
  async streams(type: 'inbound-rtp' | 'outbound-rtp', kind: 'audio' | 'video'): Promise<readonly StreamStats[]> {
    return this.page.evaluate(
      async ([wanted, media]) => {
        const { client } = (globalThis as unknown as RoomWindow).here;
        const { sent, received } = await client.stats();
        const all: StreamStats[] = [];
        for (const report of [sent, received])
          report?.forEach((each) => {
            if (each.type === wanted && each.kind === media) all.push({ ...each });
          });
        return all;
      },
      [type, kind] as const,
    );
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}

/** Runs in the page. */
async function joinInPage({
  room,
  user,
  password,
  options,
}: {
  room: string;
  user: string;
  password: string;
  options: object;
}): Promise<void> {
  const { document, location, btoa, sdk } = globalThis as unknown as RoomWindow & {
    location: { host: string; protocol: string };
    btoa: (this: void, text: string) => string;
    sdk: { joinRoom(options: object): Promise<RoomClient> };
  };
  const here: Here = { client: undefined as unknown as RoomClient, events: [], data: [], oscillator: undefined };
  Object.assign(globalThis, { here });
  const token = async (sessionId?: string): Promise<string> => {
    const answer = await fetch('/api/room-token', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${user}:${password}`)}` },
      body: JSON.stringify({ room, ...(sessionId === undefined ? {} : { sessionId }) }),
    });
    if (!answer.ok) throw new Error(`no token: ${answer.status}`);
    return ((await answer.json()) as { token: string }).token;
  };
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/rtc`;
  const client = await sdk
    .joinRoom({ url, room, token, ...options })
    .catch((error: { code?: string; message: string }) => {
      throw new Error(`${error.code}: ${error.message}`);
    });
  here.client = client;
  const note = (name: string, data: unknown): void => {
    here.events.push({ name, at: performance.now(), data });
  };
  const play = ({ publicationId, track }: { publicationId: string; track: { kind: string } }): void => {
    const { MediaStream } = globalThis as unknown as { MediaStream: new (tracks: unknown[]) => unknown };
    const element = document.createElement(track.kind);
    element['id'] = `p-${publicationId}`;
    element['srcObject'] = new MediaStream([track]);
    element['autoplay'] = true;
    document.body.append(element);
    void element.play().catch(() => {});
  };
  for (const track of client.tracks) play(track);
  client.on('track', (track: { publicationId: string; source: string; track: Track }) => {
    note('track', { publicationId: track.publicationId, source: track.source });
    play(track);
  });
  client.on('trackEnded', ({ publicationId }: { publicationId: string }) => {
    note('trackEnded', { publicationId });
    (document.querySelector(`#p-${publicationId}`) as { remove(): void } | null)?.remove();
  });
  client.on('data', (data: Here['data'][number]) => here.data.push(data));
  client.on('channel', (channel: unknown) => note('channel', channel));
  client.on('levels', (levels: unknown) => note('levels', levels));
  client.on('activeSpeaker', (id: unknown) => note('activeSpeaker', id));
  client.on('layers', (layers: unknown) => note('layers', layers));
  client.on('state', (state: unknown) => note('state', JSON.parse(JSON.stringify(state, ['kind', 'reason', 'code']))));
  client.on('problem', (problem: { code: string; message: string }) =>
    note('problem', `${problem.code}: ${problem.message}`),
  );
}
