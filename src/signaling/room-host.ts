/** Carries out what happens in one Room: its state, its media, and who is told. */
import type { Clock, Logger, Timer } from '../kernel/index.ts';
import {
  findPublication,
  type ParticipantId,
  type Room,
  type RoomInput,
  type RoomLimits,
  type RoomMedia,
  type RoomOutput,
  stepRoom,
} from '../rooms/index.ts';
import type { SignalNotification } from './protocol/index.ts';

export interface RoomListener {
  /** A notification as text. */
  tell(text: string): void;
}

export interface RoomHostOptions {
  readonly room: Room;
  readonly media: RoomMedia;
  readonly limits: RoomLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChange: (room: Room) => void;
}

export function formatNotification({ name, data }: SignalNotification): string {
  return JSON.stringify({ type: 'notification', name, data });
}

export class RoomHost {
  readonly #options: RoomHostOptions;
  readonly #listeners = new Map<ParticipantId, RoomListener>();
  /** Of participants that a restart has left without anybody who speaks for them. */
  readonly #orphans = new Map<ParticipantId, Timer>();
  #room: Room;
  #speaker: ParticipantId | undefined;

  constructor(options: RoomHostOptions) {
    this.#options = options;
    this.#room = options.room;
  }

  get room(): Room {
    return this.#room;
  }

  /** Who spoke last, if they are still here. */
  get speaker(): ParticipantId | undefined {
    const isHere = this.#room.participants.some(({ participantId }) => participantId === this.#speaker);
    return isHere ? this.#speaker : undefined;
  }

  /** Throws the coded error of what is not allowed. */
  apply(input: RoomInput): void {
    const { room, outputs } = stepRoom(this.#room, input, this.#options.limits);
    const hasChanged = room !== this.#room;
    this.#room = room;
    for (const output of outputs) this.#perform(output);
    if (hasChanged) this.#options.onChange(room);
  }

  /** Who is told what happens here. */
  listen(participantId: ParticipantId, listener: RoomListener): void {
    this.#listeners.set(participantId, listener);
    this.#orphans.get(participantId)?.cancel();
    this.#orphans.delete(participantId);
  }

  /** Somebody is here, or about to join. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  unlisten(participantId: ParticipantId): void {
    this.#listeners.delete(participantId);
  }

  /** Everybody here has been left by a restart: who does not come back in time leaves. */
  expectAll(withinMs: number): void {
    for (const { participantId } of this.#room.participants) {
      this.#orphans.set(
        participantId,
        this.#options.clock.after(withinMs, () => {
          this.#orphans.delete(participantId);
          this.apply({ kind: 'leave', participantId });
        }),
      );
    }
  }

  /** Of the publications that are heard, loudest first. */
  onLevels(levels: readonly { readonly publicationId: string; readonly dBov: number }[]): void {
    const known = levels.flatMap(({ publicationId, dBov }) => {
      const found = findPublication(this.#room, publicationId);
      return found === undefined ? [] : [{ participantId: found.owner.participantId, publicationId, dBov }];
    });
    this.#tell({ name: 'audioLevels', data: { levels: known } });
  }

  onSpeaker(publicationId: string): void {
    const owner = findPublication(this.#room, publicationId)?.owner.participantId;
    if (owner === undefined || owner === this.#speaker) return;
    this.#speaker = owner;
    this.#tell({ name: 'activeSpeaker', data: { participantId: owner } });
  }

  close(): void {
    for (const timer of this.#orphans.values()) timer.cancel();
    this.#orphans.clear();
    this.#listeners.clear();
    this.#options.media.closeRoom(this.#room.roomId);
  }

  #perform(output: RoomOutput): void {
    const { media, logger } = this.#options;
    switch (output.kind) {
      case 'tell':
        return this.#tell(output.notification, output.except);
      case 'close-publication':
        return media.closePublication(output.publicationId);
      case 'pause':
        media.pausePublication(output.publicationId, output.isPaused).catch((error: unknown) => {
          // It was closed at the same time, or its worker has died, which is told by itself.
          logger.debug({ err: error, publicationId: output.publicationId }, 'publication not paused');
        });
    }
  }

  #tell(notification: SignalNotification, except?: ParticipantId): void {
    const text = formatNotification(notification);
    for (const [participantId, listener] of this.#listeners) if (participantId !== except) listener.tell(text);
  }
}
