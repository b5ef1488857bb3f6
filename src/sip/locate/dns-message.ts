/** DNS questions and answers as bytes, by way of dns-packet: RFC 1035 §4, RFC 6891 (larger datagrams). */
import { type Answer, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import type { DnsAnswer, DnsRecords, DnsType } from './records.ts';

export interface Question {
  readonly id: number;
  readonly name: string;
  readonly type: DnsType;
}

export type Reading =
  | { readonly kind: 'answer'; readonly answer: DnsAnswer }
  /** It did not fit into a datagram: ask again over TCP. */
  | { readonly kind: 'truncated' }
  /** The server cannot or will not say. */
  | { readonly kind: 'refused' }
  /** Not the answer to this question. */
  | { readonly kind: 'foreign' };

const MAX_CHAIN = 8;
/** For an answer that says "no such thing" and not for how long. */
const NEGATIVE_TTL_SEC = 60;
/** What passes every network unfragmented. */
const DATAGRAM_BYTES = 1232;
const RCODE = 0x0f;
const TRUNCATED = 0x0200;
const NXDOMAIN = 3;

export function encodeQuestion({ id, name, type }: Question): Buffer {
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type, name, class: 'IN' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: DATAGRAM_BYTES,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
}

/** Never throws: what cannot be read is foreign. */
export function readAnswer(data: Buffer, question: Question): Reading {
  try {
    return readPacket(decode(data), question);
  } catch {
    return { kind: 'foreign' };
  }
}

function readPacket(packet: Packet, question: Question): Reading {
  if (!isAnswerTo(packet, question)) return { kind: 'foreign' };
  const { flags = 0 } = packet;
  if ((flags & TRUNCATED) !== 0) return { kind: 'truncated' };
  const rcode = flags & RCODE;
  if (rcode !== 0 && rcode !== NXDOMAIN) return { kind: 'refused' };
  const answer = collect(packet.answers ?? [], question);
  return { kind: 'answer', answer: answer ?? { records: [], ttlSec: negativeTtlOf(packet.authorities ?? []) } };
}

function isAnswerTo({ type, id, questions = [] }: Packet, question: Question): boolean {
  const [asked] = questions;
  if (type !== 'response' || id !== question.id || questions.length !== 1) return false;
  return asked?.type === question.type && normalize(asked.name) === normalize(question.name);
}

/** The records asked for, at the end of the chain of aliases; undefined when there are none. */
function collect(answers: readonly Answer[], question: Question): DnsAnswer | undefined {
  let name = normalize(question.name);
  let ttlSec = Number.POSITIVE_INFINITY;
  for (let hop = 0; hop < MAX_CHAIN; hop++) {
    const here = answers.filter((answer) => normalize(answer.name) === name);
    const found = here.flatMap((answer) => {
      const record = recordOf(answer, question.type);
      return record === undefined ? [] : [{ record, ttlSec: ttlOf(answer) }];
    });
    if (found.length > 0) {
      return {
        records: found.map(({ record }) => record),
        ttlSec: Math.min(ttlSec, ...found.map((each) => each.ttlSec)),
      };
    }
    const alias = here.find((answer) => answer.type === 'CNAME');
    if (alias?.type !== 'CNAME') return undefined;
    ttlSec = Math.min(ttlSec, ttlOf(alias));
    name = normalize(alias.data);
  }
  return undefined;
}

function recordOf(answer: Answer, type: DnsType): DnsRecords[DnsType] | undefined {
  if (answer.type !== type) return undefined;
  switch (answer.type) {
    case 'A':
    case 'AAAA':
      return answer.data;
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = answer.data;
      return { priority, weight, port, target: normalize(target) };
    }
    case 'NAPTR': {
      const { order, preference, flags, services, replacement } = answer.data;
      return { order, preference, flags, services, replacement: normalize(replacement) };
    }
  }
}

/** RFC 2308 §5: the lesser of the SOA's own time and its MINIMUM. */
function negativeTtlOf(authorities: readonly Answer[]): number {
  const soa = authorities.find((answer) => answer.type === 'SOA');
  if (soa?.type !== 'SOA') return NEGATIVE_TTL_SEC;
  return Math.min(ttlOf(soa), soa.data.minimum ?? NEGATIVE_TTL_SEC);
}

function ttlOf(answer: Answer): number {
  return 'ttl' in answer ? (answer.ttl ?? 0) : 0;
}

function normalize(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
