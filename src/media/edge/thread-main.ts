/** Entry of an edge thread: commands come in as messages, answers and events go out as messages. */
import { parentPort, workerData } from 'node:worker_threads';
import { useOpus } from '../../audio/index.ts';
import { systemClock } from '../../kernel/index.ts';
import { EdgeThread, refusalOf } from './edge-thread.ts';
import type { EdgeWorkerData, FromThread, ToThread } from './messages.ts';
import { loadOpus } from './opus-choice.ts';
import { Outbox } from './outbox.ts';

if (!parentPort) throw new Error('to be run as a worker thread');
const port = parentPort;
const outbox = new Outbox<FromThread>((messages) => port.postMessage(messages));
const post = (message: FromThread): void => outbox.add(message);

const { music, opus } = workerData as EdgeWorkerData;
useOpus(loadOpus(opus));

const thread = new EdgeThread({
  clock: systemClock,
  music,
  emit: (event) => post({ kind: 'event', event }),
});

async function answer({ id, command }: ToThread): Promise<void> {
  try {
    const result = await thread.perform(command);
    if (id !== undefined) post({ kind: 'done', id, result });
  } catch (error) {
    if (id !== undefined) post({ kind: 'refused', id, ...refusalOf(error) });
  }
}

port.on('message', (messages: readonly ToThread[]) => {
  for (const message of messages) void answer(message);
});
