/** Entry of an edge thread: commands come in as messages, answers and events go out as messages. */
import { parentPort, workerData } from 'node:worker_threads';
import { useOpus } from '../../audio/index.ts';
import { systemClock } from '../../kernel/index.ts';
import { EdgeThread, refusalOf } from './edge-thread.ts';
import type { EdgeWorkerData, FromThread, ToThread } from './messages.ts';
import { loadOpus } from './opus-choice.ts';

if (!parentPort) throw new Error('to be run as a worker thread');
const port = parentPort;
const post = (message: FromThread): void => port.postMessage(message);

const { music, opus } = workerData as EdgeWorkerData;
useOpus(loadOpus(opus));

const thread = new EdgeThread({
  clock: systemClock,
  music,
  emit: (event) => post({ kind: 'event', event }),
});

async function answer({ id, command }: ToThread): Promise<void> {
  try {
    post({ kind: 'done', id, result: await thread.perform(command) });
  } catch (error) {
    post({ kind: 'refused', id, ...refusalOf(error) });
  }
}

port.on('message', (message: ToThread) => void answer(message));
