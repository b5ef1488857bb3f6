/** Many browsers' worth of ICE and DTLS-SRTP towards a media plane, by the C endpoints of the bench. */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MediaPlane } from '../../src/calls/index.ts';
import type { PortId } from '../../src/kernel/index.ts';
import type { AudioFormat } from '../../src/sdp/index.ts';
import { LoadGenerator } from '../bench/lib/load.ts';
import { owner } from '../media/support/test-plane.ts';
import { until } from './until.ts';

const pcmu = { name: 'PCMU', payloadType: 0, clockRate: 8000, channels: 1, fmtp: '' } as const;
export const webFormat: AudioFormat = { codec: pcmu, telephoneEvents: [], ptimeMs: 20 };

export class DtlsCalls {
  readonly #load: LoadGenerator;
  readonly #plane: MediaPlane;
  readonly #basePort: number;
  #next = 0;

  private constructor(load: LoadGenerator, plane: MediaPlane, basePort: number) {
    this.#load = load;
    this.#plane = plane;
    this.#basePort = basePort;
  }

  /** `basePort`: the endpoints' ports count on from there. */
  static async start(plane: MediaPlane, basePort: number): Promise<DtlsCalls> {
    const folder = path.join(tmpdir(), 'viaduct-mload');
    await mkdir(folder, { recursive: true });
    return new DtlsCalls(await LoadGenerator.start(folder, () => {}, { priority: 0 }), plane, basePort);
  }

  /** Opens a webrtc port and starts ICE and DTLS towards it. */
  async open(): Promise<{ readonly portId: PortId; readonly usernameFragment: string }> {
    const index = this.#next++;
    const web = owner(`web-${index}`, `call-${index}`);
    const local = await this.#plane.open({ kind: 'webrtc', ...web, codecs: [pcmu], telephoneEvents: [] });
    await this.#plane.connect({
      kind: 'webrtc',
      portId: web.portId,
      ice: { usernameFragment: '', password: '' },
      dtls: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: this.#load.fingerprint }] },
      mid: '0',
      ssrc: 0x10000000 + index,
      cname: 'mload',
      format: webFormat,
      direction: 'sendrecv',
    });
    const candidate = local.candidates.find(({ protocol }) => protocol === 'udp');
    const { usernameFragment, password } = local.ice;
    const port = this.#basePort + index;
    this.#load.openWeb(index, { port, usernameFragment: `u${index}aaaa`, password: 'p'.repeat(24) }, 'client');
    this.#load.peerWeb(index, { ip: '127.0.0.1', port: candidate?.port ?? 0, usernameFragment, password }, 'client');
    return { portId: web.portId, usernameFragment };
  }

  /** Sends 20 ms packets of 0x55 from the endpoint opened last, on and on. */
  speak(): void {
    this.#load.stamp(this.#next - 1, 'A', 0);
    this.#load.command('go');
  }

  /** How many of them have a DTLS association, hear media, or have failed. */
  get counts(): { readonly dtls: number; readonly hearing: number; readonly failed: number } {
    const [dtls = 0, hearing = 0, failed = 0] = ['dtls', 'first', 'dtlserr'].map((event) => this.#load.count(event));
    return { dtls, hearing, failed };
  }

  /** RTP packets that the speaking endpoint has got. */
  async received(): Promise<number> {
    return (await this.#load.stats())['A']?.rx ?? 0;
  }

  /** One call with the tone, until it is heard; closed again. Gives the ICE name that it had. */
  async callTone(): Promise<string> {
    const before = this.counts.hearing;
    const { portId, usernameFragment } = await this.open();
    const tone = owner(`tone-${this.#next}`, `call-${this.#next - 1}`);
    await this.#plane.open({ kind: 'built-in', ...tone, endpoint: 'tone' });
    await this.#plane.connect({ kind: 'built-in', portId: tone.portId, format: webFormat });
    await this.#plane.bridge(portId, tone.portId);
    await until(() => this.counts.hearing > before, { within: 10_000, every: 5, what: `media in call ${this.#next}` });
    await Promise.all([this.#plane.close(portId), this.#plane.close(tone.portId)]);
    return usernameFragment;
  }

  async stop(): Promise<void> {
    await this.#load.stop();
  }
}
