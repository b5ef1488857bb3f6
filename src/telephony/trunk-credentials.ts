/**
 * Our credentials towards trunks, and nobody else. A challenge is answered when it comes from an address of the trunk's
 * servers, for the trunk's own realm, to a request that we sent there, once (and once more when the nonce was stale);
 * inside a dialog only when the INVITE that made it was challenged as well. Whoever is called through a trunk, or calls
 * us, can so get no digest out of us to guess the password with.
 */
import type { CallObserver, ChallengeRefusal } from '../calls/index.ts';
import type { Random } from '../kernel/index.ts';
import { credentialsFor, pickChallenge } from './digest-client.ts';
import type { Trunk, TrunkAccount } from './options.ts';
import type { Challenged, CredentialsTurn, OutboundCredentials, SipHeaders, SipReply } from './sip-ports.ts';
import type { TrunkRealms } from './trunk-realms.ts';

export interface TrunkCredentialsOptions {
  readonly realms: TrunkRealms;
  readonly random: Random;
  readonly observer: CallObserver;
  /** Whether the address is one of the trunk's servers at present. */
  readonly isServer: (trunk: Trunk, address: string) => boolean;
}

const PAIRS = [
  ['WWW-Authenticate', 'Authorization'],
  ['Proxy-Authenticate', 'Proxy-Authorization'],
] as const;

export class TrunkCredentials {
  readonly #options: TrunkCredentialsOptions;
  /** The last nonce of each trunk, and how often it was used. */
  readonly #nonces = new Map<string, { readonly nonce: string; count: number }>();

  constructor(options: TrunkCredentialsOptions) {
    this.#options = options;
  }

  /** Undefined: the trunk has none. */
  of(trunk: Trunk): OutboundCredentials | undefined {
    const { auth } = trunk;
    return auth === undefined ? undefined : { begin: () => this.#begin(trunk, auth, true) };
  }

  #begin(trunk: Trunk, account: TrunkAccount, mayAnswer: boolean): CredentialsTurn {
    const { realms } = this.#options;
    let answers = 0;
    let answeredRealm: string | undefined;
    const answer = (challenged: Challenged): SipHeaders | undefined => {
      const finding = this.#find(trunk, challenged, { answers, mayAnswer, answeredRealm });
      if ('why' in finding) {
        this.#report(trunk, challenged, finding);
        return undefined;
      }
      answers += 1;
      answeredRealm = finding[0]?.challenge.realm;
      const uses = finding.map(({ challenge, name }) => {
        const use = { cnonce: this.#options.random.hex(8), count: this.#count(trunk, challenge.nonce) };
        return [name, credentialsFor(challenge, account, challenged, use)] as const;
      });
      return Object.fromEntries(uses);
    };
    const accepted = (): OutboundCredentials => {
      if (answeredRealm !== undefined) realms.learn(trunk, answeredRealm);
      const wasChallenged = answeredRealm !== undefined;
      return { begin: () => this.#begin(trunk, account, wasChallenged) };
    };
    return { answer, accepted };
  }

  /** What to answer, or why not. */
  #find(
    trunk: Trunk,
    { reply }: Challenged,
    turn: { readonly answers: number; readonly mayAnswer: boolean; readonly answeredRealm: string | undefined },
  ): readonly Answerable[] | Refusal {
    // Not even a second answer to one request goes to another realm than the first.
    const realm = this.#options.realms.of(trunk) ?? turn.answeredRealm;
    const { picked, shown, why } = pickAll(reply, realm);
    const refuse = (cause: ChallengeRefusal): Refusal => ({ why: cause, realm: shown });
    if (reply.source === undefined || !this.#options.isServer(trunk, reply.source.address))
      return refuse('foreign-address');
    if (!turn.mayAnswer) return refuse('unchallenged-dialog');
    if (picked.length === 0) return refuse(why);
    const isAgain = turn.answers === 1 && picked.every(({ challenge }) => challenge.isStale);
    return turn.answers === 0 || isAgain ? picked : refuse('repeated');
  }

  #count(trunk: Trunk, nonce: string): number {
    const last = this.#nonces.get(trunk.name);
    const use = last?.nonce === nonce ? last : { nonce, count: 0 };
    use.count += 1;
    this.#nonces.set(trunk.name, use);
    return use.count;
  }

  #report(trunk: Trunk, { method, reply }: Challenged, { realm, why }: Refusal): void {
    const sourceAddress = reply.source?.address ?? '';
    this.#options.observer({ kind: 'challenge-refused', trunk: trunk.name, method, sourceAddress, realm, why });
  }
}

interface Answerable {
  readonly name: string;
  readonly challenge: Parameters<typeof credentialsFor>[0];
}

interface Refusal {
  readonly why: ChallengeRefusal;
  readonly realm: string;
}

/** What can be answered: a response may have passed a proxy that challenges, and a UAS that does (RFC 3261 §22.3). */
function pickAll(reply: SipReply, realm: string | undefined) {
  const findings = PAIRS.flatMap(([asked, name]) => {
    const header = reply.header(asked);
    return header === undefined ? [] : [{ name, finding: pickChallenge(header, realm) }];
  });
  const picked = findings.flatMap(({ name, finding }) =>
    finding.kind === 'picked' ? [{ name, challenge: finding.challenge }] : [],
  );
  const [unanswerable] = findings.flatMap(({ finding }) => (finding.kind === 'none' ? [finding] : []));
  return {
    picked,
    shown: picked[0]?.challenge.realm ?? unanswerable?.realm ?? '',
    why: unanswerable?.why ?? ('foreign-realm' as const),
  };
}
