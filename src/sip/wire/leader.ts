/** The leaders of frames to an application: drachtio-protocol §3 and §4. */
import type { AppMessage } from '../engine/index.ts';

/** Fields are split on '|' and a leader ends at the first CR; a hostile peer may put either into a Call-ID or a tag (§1.1). */
const UNSAFE = /[|\r\n]/;
const EVERY_UNSAFE = /[|\r\n]/g;

function clean(field: string): string {
  return UNSAFE.test(field) ? field.replaceAll(EVERY_UNSAFE, '_') : field;
}

/** The leader of `message`; `id` names the frame, `time` is when it happened (UTC, `HH:MM:SS.microseconds`). */
export function formatLeader(message: AppMessage, id: string, time: string): string {
  switch (message.kind) {
    case 'response': {
      let leader = `${id}|response|${message.id}`;
      for (const field of message.fields) leader += `|${clean(field)}`;
      return leader;
    }
    case 'sip': {
      const { source, bytes, proto, address, port, receivedOn } = message;
      const where = `${clean(message.transactionId)}|${clean(message.dialogId)}|`;
      const leader = `${id}|sip|${source}|${bytes}|${proto}|${address}|${port}|${time}|${where}`;
      return receivedOn === undefined ? leader : `${leader}${receivedOn.address}|${receivedOn.port}|`;
    }
    case 'cdr': {
      const [source = '', detail] = message.fields;
      const leader = `${id}|${message.event}|${source}|${time}`;
      return detail === undefined ? leader : `${leader}|${detail}`;
    }
    case 'refuse':
      return `${id}|response|${message.id}|NO|${clean(message.text)}`;
  }
}

let lastMs = -1;
let lastText = '';

/** Time of day in UTC with six decimals, as the real server writes it. Messages come in bursts: the last one is kept. */
export function formatTime(wallTimeMs: number): string {
  if (wallTimeMs !== lastMs) {
    lastMs = wallTimeMs;
    lastText = `${new Date(wallTimeMs).toISOString().slice(11, 23)}000`;
  }
  return lastText;
}
