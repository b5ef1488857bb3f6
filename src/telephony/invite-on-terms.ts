/**
 * An INVITE of ours under the terms of its peer's profile. A 422 asks for a longer session interval, and the INVITE
 * is sent again with it (RFC 4028 §7.3), at most twice: the second time somebody further on has asked.
 */
import { offeredTerms } from './invite-terms.ts';
import type { ProfilePolicy } from './options.ts';
import { minSeOf } from './session-timer.ts';
import type { EngineLink, OutboundInvite, OutboundListener, OutboundRequest } from './sip-ports.ts';

const MAX_RAISES = 2;

/** An EngineLink as a branch sees it. */
export type InviteLink = Pick<EngineLink, 'invite'>;

export function inviteOnTerms(link: InviteLink, profile: ProfilePolicy): InviteLink {
  return { invite: (request, listener) => new TimedInvite(link, profile, listener).send(request) };
}

class TimedInvite implements OutboundInvite {
  readonly #link: InviteLink;
  readonly #profile: ProfilePolicy;
  readonly #listener: OutboundListener;
  #current: OutboundInvite | undefined;
  #raises = 0;
  #isCancelled = false;

  constructor(link: InviteLink, profile: ProfilePolicy, listener: OutboundListener) {
    this.#link = link;
    this.#profile = profile;
    this.#listener = listener;
  }

  send(request: OutboundRequest, minSe = 0): this {
    const headers = { ...request.headers, ...offeredTerms(this.#profile, minSe) };
    const onFailed: OutboundListener['onFailed'] = (reply) => {
      const asked = reply.status === 422 ? minSeOf((name) => reply.header(name)) : undefined;
      if (asked === undefined || asked <= minSe || !this.#mayRaise) this.#listener.onFailed(reply);
      else {
        this.#raises += 1;
        this.send(request, asked);
      }
    };
    this.#current = this.#link.invite({ ...request, headers }, { ...this.#listener, onFailed });
    return this;
  }

  cancel(reason: string | undefined): void {
    this.#isCancelled = true;
    this.#current?.cancel(reason);
  }

  get #mayRaise(): boolean {
    return this.#raises < MAX_RAISES && !this.#isCancelled && this.#profile.sessionTimer !== undefined;
  }
}
