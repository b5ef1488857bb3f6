export { type Agent, type AgentsOptions, createAgentDesk } from './agent-desk.ts';
export { type JambonzAgent, openListen } from './jambonz/listen.ts';
export { openRealtime, type RealtimeAgent } from './openai/realtime.ts';
export { type MediaStreamAgent, openMediaStream } from './twilio/media-stream.ts';
export { openVoiceSocket, type VonageAgent } from './vonage/voice-socket.ts';
