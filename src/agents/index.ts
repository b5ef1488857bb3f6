export { type Agent, type AgentsOptions, createAgentDesk } from './agent-desk.ts';
export { openRealtime, type RealtimeAgent } from './openai/realtime.ts';
export { type MediaStreamAgent, openMediaStream } from './twilio/media-stream.ts';
