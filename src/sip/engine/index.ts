export type { LoadSample } from './admission.ts';
export { type EngineLoad, type EnginePressure, type EngineSetup, SipEngine } from './engine.ts';
export { bytesOf, type KeptBytes, keptBytes, keptText } from './kept.ts';
export type { EngineOptions } from './options.ts';
export type {
  AppCommand,
  AppId,
  AppMessage,
  EngineApps,
  EngineHandlers,
  EngineInput,
  EngineNet,
  Flow,
  HandlerDecision,
  HandlerQuery,
  ListenerAddress,
  Received,
  Refused,
  SendFailure,
  SendTarget,
  SipTransport,
  WireProto,
} from './ports.ts';
