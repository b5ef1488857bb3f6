/** Calls that have a party of ours in the caller's place: it has no SIP side, and its port is an agent's. */
import type { AgentFacts, NewCall } from '../calls/index.ts';
import type { LegId, PortId } from '../kernel/index.ts';
import { agentCallerMedia } from './agent-caller-media.ts';
import { type SetupContext, type SetupRequest, setUpCall } from './call-setup.ts';
import type { LiveCall } from './live-call.ts';
import type { TransferCallContext } from './transfer-call.ts';

const MAX_FORWARDS = 70;

type Born = Pick<NewCall, 'from' | 'to' | 'tenant' | 'user' | 'source' | 'metadata'>;

/** `party`: how records name it. Nobody is rung yet. */
export function openOwnCall(born: Born, party: string, { options, openCall }: TransferCallContext): LiveCall {
  const legId = options.random.hex(8) as LegId;
  const portId = `port-${legId}` as PortId;
  return openCall({ ...born, trunk: undefined, inbound: { legId, portId, kind: 'agent', party, sipCallId: '' } });
}

export interface OwnCallRoute extends Pick<SetupRequest, 'live' | 'caller' | 'routing' | 'accepted'> {
  /** What the port speaks. */
  readonly facts: AgentFacts;
}

/** Rings those whom the call is for. */
export function ringOwnCall({ live, facts, ...request }: OwnCallRoute, context: SetupContext): void {
  const { options, settings } = context;
  const { media, random } = options;
  const { callId, inbound } = live.call;
  const { legId, portId } = inbound;
  const profile = settings.profiles.phones;
  const own = agentCallerMedia({ owner: { callId, legId, portId }, facts, profile, media, random });
  const setup = { live, ...request, ...own, header: () => undefined, maxForwards: MAX_FORWARDS };
  const { parts, input } = setUpCall(setup, context);
  live.route(input, parts);
}
