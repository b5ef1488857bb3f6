export { FecSwitch } from './fec-switch.ts';
export { Transcoder, type TranscoderParts } from './transcoder.ts';
export { WorkQueue } from './work-queue.ts';
