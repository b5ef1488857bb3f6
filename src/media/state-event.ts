/** What the calls are told of a browser's port. */
import type { MediaEvent, PortOwner } from '../calls/index.ts';
import type { WebRtcPortState } from './webrtc-port.ts';

export function stateEvent({ portId, callId, legId }: PortOwner, state: WebRtcPortState | 'worker'): MediaEvent {
  if (state === 'up') return { kind: 'port-up', portId, callId, legId };
  if (state === 'away') return { kind: 'port-disconnected', portId, callId, legId };
  return { kind: 'port-failed', portId, callId, legId, reason: state };
}
