/** Requests of ours inside a dialog. */
import type { OutboundCredentials, SipHeaders, SipReply } from './sip-ports.ts';
import { challengeOf, failureOf, type HeardReply, isSuccess, replyOf } from './srf-reply.ts';
import type { SrfDialog } from './srf-types.ts';

interface InsideRequest {
  readonly method: string;
  readonly body: string;
  readonly headers: SipHeaders;
}

/** The engine numbers the requests of a dialog. */
export async function requestInside(
  dialog: SrfDialog,
  request: InsideRequest,
  credentials: OutboundCredentials | undefined,
): Promise<SipReply> {
  const turn = credentials?.begin();
  const attempt = async (more: SipHeaders): Promise<SipReply> => {
    const reply = await requestOnce(dialog, { ...request, headers: { ...request.headers, ...more } });
    const challenged = challengeOf(request.body, reply);
    const again = challenged === undefined ? undefined : turn?.answer(challenged);
    if (again !== undefined) return attempt({ ...more, ...again });
    if (isSuccess(reply)) turn?.accepted();
    return reply;
  };
  return attempt({});
}

async function requestOnce(dialog: SrfDialog, { method, body, headers }: InsideRequest): Promise<HeardReply> {
  return new Promise((resolve) =>
    dialog.request({ method, body, headers: { ...headers } }, (error, response) => {
      if (error !== null && error !== undefined) resolve(failureOf(error));
      else if (response.status >= 200) resolve(replyOf(response));
    }),
  );
}
