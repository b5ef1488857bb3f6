import type { types } from 'mediasoup';
import type { VideoCodec } from '../sdp/index.ts';
import type { PortRange } from './inner-ports.ts';
import { mediaErrors } from './media-errors.ts';
import type { MediaWorker } from './media-worker.ts';
import { type RouterFormats, rtpCapabilities } from './router-codecs.ts';
import { routerVideo } from './router-video.ts';
import type { PlacedRouter } from './worker-pool.ts';

/** One Leg's router, or that of two browser Legs with the same payload types (decision D10). Closes with its last user. */
export class SharedRouter {
  readonly formats: RouterFormats;
  /** Where its PlainTransports take their ports. */
  readonly innerPorts: PortRange;
  readonly #placed: PlacedRouter;
  #video: readonly VideoCodec[] = [];
  #users = 1;

  constructor(placed: PlacedRouter, formats: RouterFormats, innerPorts: PortRange) {
    this.#placed = placed;
    this.formats = formats;
    this.innerPorts = innerPorts;
  }

  get router(): types.Router {
    return this.#placed.router;
  }

  get server(): types.WebRtcServer {
    return this.#placed.server;
  }

  get worker(): MediaWorker {
    return this.#placed.worker;
  }

  /** Makes the router know a video codec under its payload type. Throws MEDIA_PAYLOAD_TYPE when something else has that. */
  addVideo(codec: VideoCodec): void {
    const audioTypes = this.formats.map(({ payloadType }) => payloadType);
    const video = routerVideo([...this.#video, codec], audioTypes);
    if (!video.some(({ preferredPayloadType }) => preferredPayloadType === codec.payloadType))
      throw mediaErrors.MEDIA_PAYLOAD_TYPE([codec.name, codec.payloadType]);
    if (video.length === this.#video.length) return;
    this.router.updateMediaCodecs([...rtpCapabilities(this.formats).codecs, ...video]);
    this.#video = [...this.#video, codec];
  }

  retain(): this {
    this.#users += 1;
    return this;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#placed.router.close();
  }
}
