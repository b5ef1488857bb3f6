import { describe, expect, it } from 'vitest';
import type { Arrival } from '../../../src/media/edge/incoming.ts';
import { Outgoing } from '../../../src/media/edge/outgoing.ts';
import { hasMarker, payloadTypeOf, readTelephoneEvent, sequenceOf, timestampOf } from '../../../src/rtp/index.ts';
import type { AudioFormat } from '../../../src/sdp/index.ts';
import { eventPayload, rtpPacket } from '../../rtp/packets.ts';

const opus: AudioFormat = {
  codec: { name: 'opus', payloadType: 111, clockRate: 48_000, channels: 2, fmtp: '' },
  telephoneEvents: [{ payloadType: 101, clockRate: 8000 }],
  ptimeMs: 20,
};

function createOutgoing(format: AudioFormat): Outgoing {
  const outgoing = new Outgoing({ ssrc: 9, sequence: 100, timestamp: 1000 });
  outgoing.setFormat(format);
  return outgoing;
}

const audio = (nowMs: number): Arrival => ({ isEvent: false, isNoise: false, clockRate: 48_000, nowMs });
const event48k = (nowMs: number): Arrival => ({ isEvent: true, isNoise: false, clockRate: 48_000, nowMs });

describe('what a port sends', () => {
  it('has its own payload types, and events on the time line of its audio', () => {
    const outgoing = createOutgoing(opus);
    const first = outgoing.rewrite(rtpPacket({ payloadType: 96, sequence: 7, timestamp: 5000 }), audio(0));
    const event = outgoing.rewrite(
      rtpPacket({ payloadType: 97, sequence: 8, timestamp: 5960, payload: eventPayload(4, 960) }),
      event48k(20),
    );
    const end = outgoing.rewrite(
      rtpPacket({ payloadType: 97, sequence: 9, timestamp: 5960, payload: eventPayload(4, 4800, true) }),
      event48k(100),
    );
    expect(first && [payloadTypeOf(first), sequenceOf(first), timestampOf(first)]).toEqual([111, 100, 1000]);
    expect(event && [payloadTypeOf(event), sequenceOf(event), timestampOf(event)]).toEqual([101, 101, 1960]);
    expect(event && readTelephoneEvent(event)).toMatchObject({ event: 4, duration: 160, isEnd: false });
    expect(end && readTelephoneEvent(end)).toMatchObject({ timestamp: 1960, duration: 800, isEnd: true });
  });

  it('keeps events of an SSRC of their own beside the audio: one key, and no change of source', () => {
    const outgoing = createOutgoing({ ...opus, telephoneEvents: [{ payloadType: 101, clockRate: 48_000 }] });
    const sent: Buffer[] = [];
    const send = (packet: Buffer, arrival: Arrival): void => {
      const out = outgoing.rewrite(packet, arrival);
      if (out) sent.push(out);
    };
    for (let i = 0; i < 5; i++) {
      send(rtpPacket({ ssrc: 1, sequence: i, timestamp: i * 960 }), audio(i * 20));
      const payload = eventPayload(5, 960 * (i + 1), i === 4);
      send(rtpPacket({ ssrc: 2, sequence: 500 + i, timestamp: 70_000, payload, marker: i === 0 }), event48k(i * 20));
    }
    expect(sent.map(sequenceOf)).toEqual(Array.from({ length: 10 }, (_, i) => 100 + i));
    const audioSent = sent.filter((packet) => payloadTypeOf(packet) === 111);
    expect(audioSent.map(timestampOf)).toEqual([0, 1, 2, 3, 4].map((i) => 1000 + i * 960));
    expect(audioSent.map(hasMarker)).toEqual([true, false, false, false, false]);
    const events = sent.filter((packet) => payloadTypeOf(packet) === 101);
    expect(new Set(events.map(timestampOf))).toEqual(new Set([1000]));
    expect(events.map((packet) => readTelephoneEvent(packet)?.duration)).toEqual([960, 1920, 2880, 3840, 4800]);
  });

  it('tells one key although its source begins anew while it is pressed', () => {
    const outgoing = createOutgoing({ ...opus, telephoneEvents: [{ payloadType: 101, clockRate: 48_000 }] });
    outgoing.rewrite(rtpPacket({ sequence: 1, timestamp: 0 }), audio(0));
    const press = (sequence: number, nowMs: number, duration: number): number | undefined => {
      const payload = eventPayload(5, duration);
      const out = outgoing.rewrite(rtpPacket({ sequence, timestamp: 960, payload }), event48k(nowMs));
      return out && timestampOf(out);
    };
    const before = press(2, 20, 960);
    outgoing.splice.restart();
    expect([press(3, 40, 1920), press(4, 60, 2880)]).toEqual([before, before]);
  });

  it('drops events where the Leg has none', () => {
    const outgoing = createOutgoing({ ...opus, telephoneEvents: [] });
    expect(outgoing.rewrite(rtpPacket({ payload: eventPayload(1, 160) }), event48k(0))).toBeUndefined();
    expect(outgoing.pressDigit('1', 100, 0)).toBe(false);
  });

  it('marks a change of codec and goes on counting', () => {
    const outgoing = createOutgoing(opus);
    outgoing.rewrite(rtpPacket({ sequence: 7, timestamp: 0 }), audio(0));
    outgoing.setFormat({ ...opus, codec: { name: 'PCMU', payloadType: 0, clockRate: 8000, channels: 1, fmtp: '' } });
    const next = outgoing.rewrite(rtpPacket({ sequence: 8, timestamp: 960 }), audio(20));
    expect(next && [payloadTypeOf(next), hasMarker(next), sequenceOf(next)]).toEqual([0, true, 101]);
  });

  it('says one frame of silence before an event that comes before any audio', () => {
    const outgoing = createOutgoing(opus);
    const silence = outgoing.silenceFirst(0);
    expect(silence && [payloadTypeOf(silence), sequenceOf(silence)]).toEqual([111, 100]);
    expect(outgoing.silenceFirst(0)).toBeUndefined();
    const event = outgoing.rewrite(
      rtpPacket({ sequence: 5, timestamp: 0, payload: eventPayload(1, 160) }),
      event48k(5),
    );
    expect(event && sequenceOf(event)).toBe(101);
  });

  it('plays digits beside the audio without using a number twice', () => {
    const outgoing = createOutgoing(opus);
    const numbers: number[] = [];
    const events: { duration: number; isEnd: boolean }[] = [];
    outgoing.pressDigit('7', 60, 0);
    for (let i = 0; i < 8; i++) {
      const packet = outgoing.rewrite(rtpPacket({ sequence: i, timestamp: i * 960 }), audio(i * 20));
      if (packet) numbers.push(sequenceOf(packet));
      const digit = outgoing.nextDigitPacket(i * 20);
      if (!digit) continue;
      numbers.push(sequenceOf(digit));
      const event = readTelephoneEvent(digit);
      if (event) events.push({ duration: event.duration, isEnd: event.isEnd });
    }
    expect(numbers).toEqual(Array.from({ length: 13 }, (_, i) => 100 + i));
    expect(events.map(({ duration }) => duration)).toEqual([160, 320, 480, 480, 480]);
    expect(events.map(({ isEnd }) => isEnd)).toEqual([false, false, true, true, true]);
  });
});
