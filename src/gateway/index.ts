export type { Reloader } from './reload.ts';
export { startGateway } from './start.ts';
