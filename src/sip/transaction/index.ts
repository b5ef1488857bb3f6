export {
  createInviteClient,
  type InviteClient,
  type InviteClientInput,
  type InviteClientOutput,
  type InviteClientTimer,
  stepInviteClient,
} from './invite-client.ts';
export {
  createInviteServer,
  type InviteServer,
  type InviteServerInput,
  type InviteServerOutput,
  type InviteServerTimer,
  stepInviteServer,
} from './invite-server.ts';
export {
  createNonInviteClient,
  type NonInviteClient,
  type NonInviteClientInput,
  type NonInviteClientOutput,
  type NonInviteClientTimer,
  stepNonInviteClient,
} from './non-invite-client.ts';
export {
  createNonInviteServer,
  type NonInviteServer,
  type NonInviteServerInput,
  type NonInviteServerOutput,
  stepNonInviteServer,
} from './non-invite-server.ts';
export {
  createSuccessRetransmission,
  type SuccessInput,
  type SuccessRetransmission,
  type SuccessTimer,
  stepSuccess,
} from './success-retransmission.ts';
export { DEFAULT_TIMERS, type TimerValues, transactionTimeout } from './timer-values.ts';
