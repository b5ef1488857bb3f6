import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/kernel/index.ts';
import {
  afterRestart,
  createRoom,
  type ParticipantId,
  type PublicationId,
  type Room,
  type RoomInput,
  type RoomOutput,
  roomIdOf,
  stepRoom,
  videoCodecOrder,
  viewOfRoom,
} from '../../src/rooms/index.ts';
import { nextRoom } from '../../src/web/sdk/room-state.ts';

const limits = { participants: 3, publications: 3 };
const empty = createRoom(roomIdOf('main', 'blue'), 'main', 'blue');
const id = (name: string): ParticipantId => name as ParticipantId;
const pub = (name: string): PublicationId => name as PublicationId;
const join = (name: string): RoomInput => ({
  kind: 'join',
  participant: { participantId: id(name), sessionId: `s-${name}`, subject: name, name, joinedAt: 0 },
});
const publish = (name: string, publicationId: string, source: 'microphone' | 'camera' = 'microphone'): RoomInput => ({
  kind: 'publish',
  participantId: id(name),
  publication: {
    publicationId: pub(publicationId),
    kind: source === 'camera' ? 'video' : 'audio',
    source,
    isMuted: false,
  },
});

function run(...inputs: readonly RoomInput[]): { room: Room; outputs: readonly RoomOutput[] } {
  let room = empty;
  let outputs: readonly RoomOutput[] = [];
  for (const input of inputs) ({ room, outputs } = stepRoom(room, input, limits));
  return { room, outputs };
}

function codeOf(...inputs: readonly RoomInput[]): string | undefined {
  try {
    run(...inputs);
    return undefined;
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  }
}

describe('a room', () => {
  it('refuses what its rules forbid', () => {
    expect(codeOf(join('a'), join('b'), join('c'), join('d'))).toBe('ROOM_FULL');
    expect(codeOf(publish('a', 'p'))).toBe('NOT_IN_ROOM');
    expect(codeOf(join('a'), publish('a', 'p'), publish('a', 'q'))).toBe('SOURCE_TAKEN');
    expect(
      codeOf(join('a'), join('b'), publish('a', 'p'), {
        kind: 'unpublish',
        participantId: id('b'),
        publicationId: 'p',
      }),
    ).toBe('NOT_YOURS');
    expect(codeOf(join('a'), { kind: 'hold', publicationId: 'p', isHeld: true })).toBe('PUBLICATION_UNKNOWN');
  });

  it('a held publication is muted, and its owner cannot open it before it is let go', () => {
    const held: RoomInput[] = [join('a'), publish('a', 'p'), { kind: 'hold', publicationId: 'p', isHeld: true }];
    const unmute: RoomInput = { kind: 'mute', participantId: id('a'), publicationId: 'p', isMuted: false };
    expect(run(...held).outputs[0]).toEqual({ kind: 'pause', publicationId: 'p', isPaused: true });
    expect(codeOf(...held, unmute)).toBe('HELD');
    const free = run(...held, { kind: 'hold', publicationId: 'p', isHeld: false });
    expect(free.outputs[0]).toEqual({ kind: 'pause', publicationId: 'p', isPaused: true });
    expect(run(...held, { kind: 'hold', publicationId: 'p', isHeld: false }, unmute).outputs[0]).toEqual({
      kind: 'pause',
      publicationId: 'p',
      isPaused: false,
    });
  });

  it('who leaves takes their publications along', () => {
    const { outputs } = run(join('a'), join('b'), publish('a', 'p'), { kind: 'leave', participantId: id('a') });
    expect(outputs.map(({ kind }) => kind)).toEqual(['close-publication', 'tell']);
  });

  it('after a restart everybody is away and without media', () => {
    const { room } = run(join('a'), publish('a', 'p'));
    expect(afterRestart(room).participants[0]).toMatchObject({ isAway: true, publications: [] });
  });

  it('S60 phones send H.264 first', () => {
    expect(videoCodecOrder('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)')[0]).toBe('H264');
    expect(videoCodecOrder('Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/150 Mobile')[0]).toBe('H264');
    expect(videoCodecOrder('Mozilla/5.0 (X11; Linux x86_64) Chrome/150')[0]).toBe('VP8');
    expect(videoCodecOrder(undefined)[0]).toBe('VP8');
  });
});

const names = fc.constantFrom('a', 'b', 'c', 'd');
const publications = fc.constantFrom('p', 'q', 'r', 's');
const anyInput: fc.Arbitrary<RoomInput> = fc.oneof(
  names.map(join),
  fc.record({ kind: fc.constant('away' as const), participantId: names.map(id), isAway: fc.boolean() }),
  names.map((name) => ({ kind: 'leave' as const, participantId: id(name) })),
  fc
    .tuple(names, publications, fc.constantFrom('microphone' as const, 'camera' as const))
    .map((all) => publish(...all)),
  fc.record({ kind: fc.constant('unpublish' as const), participantId: names.map(id), publicationId: publications }),
  names.map((name) => ({ kind: 'unpublish-all' as const, participantId: id(name) })),
  fc.record({
    kind: fc.constant('mute' as const),
    participantId: names.map(id),
    publicationId: publications,
    isMuted: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('hold' as const), publicationId: publications, isHeld: fc.boolean() }),
);

it('what everybody is told makes of an old view the new one, and closed media is what left the room', () => {
  fc.assert(
    fc.property(fc.array(anyInput, { maxLength: 60 }), (inputs) => {
      let room = empty;
      const used = new Set<string>();
      for (const input of inputs) {
        // Ids are drawn at random and never come twice.
        if (input.kind === 'publish' && used.has(input.publication.publicationId)) continue;
        const before = room;
        let outputs: readonly RoomOutput[];
        try {
          ({ room, outputs } = stepRoom(room, input, limits));
        } catch (error) {
          if (error instanceof CodedError) continue;
          throw error;
        }
        if (input.kind === 'publish') used.add(input.publication.publicationId);
        const told = outputs.flatMap((each) => (each.kind === 'tell' ? [each.notification] : []));
        expect(told.reduce(nextRoom, viewOfRoom(before))).toEqual(viewOfRoom(room));
        const all = (of: Room): string[] =>
          of.participants.flatMap((each) => each.publications.map(({ publicationId }) => publicationId as string));
        const gone = all(before).filter((each) => !all(room).includes(each));
        const closed = outputs.flatMap((each) =>
          each.kind === 'close-publication' ? [each.publicationId as string] : [],
        );
        expect(closed.toSorted()).toEqual(gone.toSorted());
        expect(room.participants.length).toBeLessThanOrEqual(limits.participants);
      }
    }),
  );
});
