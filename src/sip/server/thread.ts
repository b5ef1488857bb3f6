/** The engine's own thread: started by `startSipServer`, never imported. */
import { parentPort, workerData } from 'node:worker_threads';
import { CodedError, systemClock, systemRandom } from '../../kernel/index.ts';
import type { PlainError, SipThreadData, SipThreadOrder, SipThreadReport } from './messages.ts';
import { openSipParts, type SipParts } from './parts.ts';
import { remoteLogger } from './remote-log.ts';

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread only');
const { options, pulse } = workerData as SipThreadData;
const post = (report: SipThreadReport): void => port.postMessage(report);
const logger = remoteLogger(options.logLevel, (line) => post({ kind: 'log', line }), { part: 'sip' });

try {
  const parts = await openSipParts(options, { clock: systemClock, random: systemRandom, logger, pulse });
  port.on('message', (order: SipThreadOrder) => void obey(parts, order));
  post({ kind: 'ready', wire: parts.wire, listeners: parts.listeners });
} catch (error) {
  post({ kind: 'failed', error: plainError(error) });
  port.close();
}

async function obey(parts: SipParts, order: SipThreadOrder): Promise<void> {
  if (order.kind === 'counters') {
    const { user, system } = process.threadCpuUsage();
    post({ kind: 'counters', id: order.id, counters: parts.counters(), cpuMs: (user + system) / 1000 });
    return;
  }
  if (order.kind === 'messages') {
    post({ kind: 'messages', id: order.id, messages: parts.messagesOf(order.sipCallIds) });
    return;
  }
  if (order.kind === 'tls') return parts.updateTls(order.update);
  if (order.kind === 'exempt') return parts.exempt(order.exemptions);
  await parts.close();
  // Timers of the engine that are still pending must not keep the thread.
  process.exit(0);
}

function plainError(error: unknown): PlainError {
  if (error instanceof CodedError) return { code: error.code, text: error.message, retryable: error.retryable };
  return {
    code: 'SIP_ENGINE_FAILED',
    text: error instanceof Error ? (error.stack ?? error.message) : String(error),
    retryable: false,
  };
}
