export { openWireServer, type WireServer, type WireServerOptions } from './server.ts';
