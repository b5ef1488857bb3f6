/**
 * Where an emergency caller is, passed on to those who come to help: by reference and by value (RFC 6442 §4.1). The
 * call matters more than the place: a server that takes no body but an offer gets the INVITE again without the others.
 */
import type { Random } from '../kernel/index.ts';
import { splitOutside } from '../sip/message/index.ts';
import type { InviteLink } from './invite-on-terms.ts';
import { formatMultipart } from './multipart.ts';
import type { LocationBody, OutboundInvite, OutboundListener, OutboundRequest, SipHeaders } from './sip-ports.ts';

const UNSUPPORTED_MEDIA_TYPE = 415;
const MAX_BODIES = 4;

export interface CallerLocation {
  /** Values of Geolocation that need no body. */
  readonly references: readonly string[];
  /** Values of Geolocation that name one of `bodies`. */
  readonly inclusions: readonly string[];
  readonly bodies: readonly LocationBody[];
  /** The value of Geolocation-Routing. */
  readonly routing: string | undefined;
}

/** Undefined when the INVITE says nothing of a place. A value that names a body that is not there is left out. */
export function callerLocation(
  header: (name: string) => string | undefined,
  locations: readonly LocationBody[] = [],
): CallerLocation | undefined {
  const places = splitOutside(safe(header('Geolocation')) ?? '', ',').filter((value) => value !== '');
  const references = places.filter((value) => contentIdIn(value) === undefined);
  const included = places.flatMap((value) => {
    const body = locations.find(({ contentId }) => contentId === contentIdIn(value));
    return body === undefined ? [] : [{ value, body }];
  });
  const kept = included.slice(0, MAX_BODIES);
  if (references.length === 0 && kept.length === 0) return undefined;
  return {
    references,
    inclusions: kept.map(({ value }) => value),
    bodies: [...new Set(kept.map(({ body }) => body))],
    routing: safe(header('Geolocation-Routing')),
  };
}

function safe(value: string | undefined): string | undefined {
  return value === undefined || /[\r\n]/u.test(value) ? undefined : value;
}

/** RFC 2392: a cid URL is the Content-ID without its brackets, with %-escapes. */
function contentIdIn(value: string): string | undefined {
  const [, escaped] = /^<cid:([^>]*)>/iu.exec(value) ?? [];
  try {
    return escaped === undefined ? undefined : decodeURIComponent(escaped);
  } catch {
    return '';
  }
}

export function inviteWithLocation(link: InviteLink, location: CallerLocation, random: Random): InviteLink {
  return {
    invite: (request, listener) => {
      const { references, inclusions, bodies, routing } = location;
      const by = (values: readonly string[]): SipHeaders =>
        values.length === 0
          ? {}
          : {
              Geolocation: values.join(', '),
              ...(routing === undefined ? {} : { 'Geolocation-Routing': routing }),
            };
      const plain = { ...request, headers: { ...request.headers, ...by(references) } };
      if (bodies.length === 0 || request.body === '') return link.invite(plain, listener);
      const { type, body } = formatMultipart(request.body, bodies, random.hex(16));
      const headers = { ...request.headers, ...by([...inclusions, ...references]), 'Content-Type': type };
      return new LocatedInvite(link, plain, listener).send({ ...request, headers, body });
    },
  };
}

class LocatedInvite implements OutboundInvite {
  readonly #link: InviteLink;
  readonly #plain: OutboundRequest;
  readonly #listener: OutboundListener;
  #current: OutboundInvite | undefined;
  #isCancelled = false;

  constructor(link: InviteLink, plain: OutboundRequest, listener: OutboundListener) {
    this.#link = link;
    this.#plain = plain;
    this.#listener = listener;
  }

  send(located: OutboundRequest): this {
    const onFailed: OutboundListener['onFailed'] = (reply) => {
      if (reply.status !== UNSUPPORTED_MEDIA_TYPE || this.#isCancelled) this.#listener.onFailed(reply);
      else this.#current = this.#link.invite(this.#plain, this.#listener);
    };
    this.#current = this.#link.invite(located, { ...this.#listener, onFailed });
    return this;
  }

  cancel(reason: string | undefined): void {
    this.#isCancelled = true;
    this.#current?.cancel(reason);
  }
}
