export { type Agent, type AgentsOptions, createAgentDesk } from './agent-desk.ts';
export { type MediaStreamAgent, openMediaStream } from './twilio/media-stream.ts';
