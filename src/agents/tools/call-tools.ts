/** The verbs of a call as functions of a model. */
import { z } from 'zod';
import type { AgentCallVerbs, VerbResult } from '../../calls/index.ts';
import { failure, type Tool } from './tool.ts';

export type CallToolName = 'transfer' | 'consult' | 'complete_transfer' | 'cancel_transfer' | 'send_dtmf' | 'hold';

interface CallTool<Input> {
  readonly description: string;
  readonly input: z.ZodType<Input>;
  readonly run: (input: Input, verbs: AgentCallVerbs) => Promise<VerbResult>;
}

const transfer: CallTool<{ target: string }> = {
  description:
    'Transfers the caller to a person, a department or a number. Say that you do it first. The call ends for you when the other side has answered; if nobody answers you learn why and go on talking.',
  input: z.strictObject({
    target: z.string().min(1).max(256).describe('a name of this house, or a telephone number, as +493012345'),
  }),
  run: ({ target }, verbs) => verbs.transfer(target),
};

const consult: CallTool<{ target: string }> = {
  description:
    'Puts the caller on hold and calls somebody: from then on you talk with that one and the caller does not hear it. Afterwards use complete_transfer or cancel_transfer. If nobody answers you learn why and talk with the caller again.',
  input: transfer.input,
  run: ({ target }, verbs) => verbs.consult(target),
};

const completeTransfer: CallTool<object> = {
  description: 'After consult: connects the caller with whom you talk. The call ends for you.',
  input: z.strictObject({}),
  run: (_, verbs) => verbs.completeConsultation(),
};

const cancelTransfer: CallTool<object> = {
  description: 'After consult: lets the other one go. You talk with the caller again.',
  input: z.strictObject({}),
  run: (_, verbs) => verbs.cancelConsultation(),
};

const sendDtmf: CallTool<{ digits: string }> = {
  description: 'Presses keys of the telephone, as a menu at the other end wants them.',
  input: z.strictObject({ digits: z.string().min(1).max(64).describe('0-9 * # A-D; w waits for half a second') }),
  run: ({ digits }, verbs) => verbs.sendDigits(digits),
};

const hold: CallTool<{ is_held: boolean }> = {
  description: 'Puts the caller on hold, with music, or takes the call up again. On hold neither hears the other.',
  input: z.strictObject({ is_held: z.boolean() }),
  run: ({ is_held }, verbs) => (is_held ? verbs.hold() : verbs.resume()),
};

export const callTools: Readonly<Record<CallToolName, Tool>> = {
  transfer: toolOf('transfer', transfer),
  consult: toolOf('consult', consult),
  complete_transfer: toolOf('complete_transfer', completeTransfer),
  cancel_transfer: toolOf('cancel_transfer', cancelTransfer),
  send_dtmf: toolOf('send_dtmf', sendDtmf),
  hold: toolOf('hold', hold),
};

function toolOf<Input>(name: CallToolName, { description, input, run }: CallTool<Input>): Tool {
  const { $schema: _, ...parameters } = z.toJSONSchema(input);
  return {
    name,
    description,
    parameters,
    run: async (given, { verbs }) => {
      const read = input.safeParse(given);
      if (!read.success) return failure(z.prettifyError(read.error));
      const result = await run(read.data, verbs);
      if (result.isDone) return { ok: true };
      const { code, text, sipStatus } = result;
      return failure(text, { code, ...(sipStatus === undefined ? {} : { sipStatus }) });
    },
  };
}
