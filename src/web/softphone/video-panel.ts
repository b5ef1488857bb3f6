/** The pictures of a call, the button that turns the camera off, and the choices of a call with video. */
import type { PhoneState } from './hook.ts';
import { byId, onClick } from './page.ts';
import type { Softphone } from './phone.ts';

export class VideoPanel {
  readonly #phone: Softphone;
  readonly #pictures = byId('pictures', HTMLElement);
  readonly #remote = byId('remote-video', HTMLVideoElement);
  readonly #local = byId('local-video', HTMLVideoElement);
  readonly #camera = byId('camera', HTMLButtonElement);
  readonly #answer = byId('answer-video', HTMLButtonElement);

  constructor(phone: Softphone) {
    this.#phone = phone;
  }

  wire(): void {
    onClick('camera', () => {
      const { call } = this.#phone.state;
      if (call.kind === 'active') this.#phone.turnCameraOff(call.video?.isCameraOff === false);
    });
    onClick('answer-video', () => this.#phone.answer(true));
    this.#phone.on('pictures', ({ local, remote }) => {
      this.#local.srcObject = local ?? null;
      this.#local.hidden = local === undefined;
      this.#remote.srcObject = remote ?? null;
    });
  }

  show({ call }: PhoneState): void {
    const video = call.kind === 'active' ? call.video : undefined;
    this.#pictures.hidden = video === undefined;
    this.#camera.hidden = call.kind !== 'active';
    this.#camera.setAttribute('aria-pressed', String(video?.isCameraOff !== false));
    this.#answer.hidden = call.kind !== 'incoming' || !call.hasVideo;
  }
}
