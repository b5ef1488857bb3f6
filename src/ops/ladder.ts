/** The SIP messages of a call as people draw them: the caller on the left, the gateway in the middle, the called on the right. */
import type { CallRecord } from '../calls/index.ts';

/** One message of a call on the wire. */
export interface LadderMessage {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  readonly transport: string;
  /** `address:port`. */
  readonly local: string;
  readonly remote: string;
  readonly sipCallId: string;
  /** As it went over the wire, secrets masked. */
  readonly text: string;
}

const LANE = 44;
const TIME = 12;

/** Plain text, a line for each message. */
export function drawLadder(record: CallRecord, messages: readonly LadderMessage[]): string {
  const inbound = record.legs.find(({ direction }) => direction === 'inbound');
  const lines = messages.map((message) => drawLine(message, message.sipCallId === inbound?.sipCallId));
  const head = [
    `call ${record.callId}  ${record.from} → ${record.to}  ${record.endReason ?? 'running'}`,
    `${' '.repeat(TIME)}  ${center(remoteOf(messages, inbound?.sipCallId))}│${center(othersOf(messages, inbound?.sipCallId))}`,
  ];
  if (messages.length === 0) lines.push('no SIP messages are kept of this call (telemetry.messageLog)');
  return `${[...head, ...lines].join('\n')}\n`;
}

function drawLine(message: LadderMessage, isCaller: boolean): string {
  const time = new Date(message.at).toISOString().slice(11, 23);
  // Towards the gateway is to the right on the caller's side and to the left on the other.
  const isRightwards = (message.direction === 'in') === isCaller;
  const arrow = drawArrow(summaryOf(message.text), isRightwards);
  return isCaller ? `${time}  ${arrow}│` : `${time}  ${' '.repeat(LANE)}│${arrow}`;
}

function drawArrow(label: string, isRightwards: boolean): string {
  const shown = label.length > LANE - 6 ? `${label.slice(0, LANE - 7)}…` : label;
  const line = '─'.repeat(LANE - shown.length - 4);
  return isRightwards ? ` ${shown} ${line}▶ ` : ` ◀${line} ${shown} `;
}

/** `INVITE (SDP)`, `180 Ringing`, `200 OK for BYE`. */
export function summaryOf(text: string): string {
  const [start = ''] = text.split('\r\n', 1);
  const [, status = '', reason = ''] = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(start) ?? [];
  const method =
    status === '' ? start.slice(0, start.indexOf(' ')) : (/^CSeq\s*:\s*\d+\s+(\S+)/im.exec(text)?.[1] ?? '');
  const sdp = /^(?:Content-Type|c)\s*:\s*application\/sdp/im.test(text) ? ' (SDP)' : '';
  if (status === '') return `${method}${sdp}`;
  return method === 'INVITE' ? `${status} ${reason}${sdp}` : `${status} ${reason} for ${method}${sdp}`;
}

function remoteOf(messages: readonly LadderMessage[], sipCallId: string | undefined): string {
  const first = messages.find((message) => message.sipCallId === sipCallId);
  return first === undefined ? '' : `${first.transport} ${first.remote}`;
}

function othersOf(messages: readonly LadderMessage[], sipCallId: string | undefined): string {
  const others = messages.filter((message) => message.sipCallId !== sipCallId);
  return [...new Set(others.map(({ transport, remote }) => `${transport} ${remote}`))].join(', ');
}

function center(text: string): string {
  const shown = text.slice(0, LANE);
  const before = Math.floor((LANE - shown.length) / 2);
  return `${' '.repeat(before)}${shown}`.padEnd(LANE);
}
