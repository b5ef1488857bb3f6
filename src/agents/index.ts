export { type Agent, type AgentsOptions, createAgentDesk } from './agent-desk.ts';
export { type JambonzAgent, openListen } from './jambonz/listen.ts';
export { openRealtime, type RealtimeAgent } from './openai/realtime.ts';
export { openTwilioAgent } from './twilio/agent.ts';
export { CallBook } from './twilio/call-book.ts';
export type { TwilioAgent } from './twilio/parts.ts';
export { createTwilioRest, type RestAccount, type RestReply, type RestRequest, type ServeRest } from './twilio/rest.ts';
export { openVoiceSocket, type VonageAgent } from './vonage/voice-socket.ts';
