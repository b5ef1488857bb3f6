/** What telephony is started with, as plain data and ports. */
import type { AgentDesk, CallObserver, MediaPlane, RingbackTone, RtpSourcePolicy } from '../calls/index.ts';
import type { Dialplan, RouteHook } from '../dialplan/index.ts';
import type { FraudPolicy } from '../fraud/index.ts';
import type { Clock, Logger, Random } from '../kernel/index.ts';
import type { CodecTerms, SrtpMode, VideoCodecName } from '../sdp/index.ts';
import type { LocateTransport } from '../sip/locate/index.ts';
import type { Store } from '../store/index.ts';
import type { BanPolicy } from './bans.ts';
import type { NumberPlan } from './number-plan.ts';
import type { HeaderPolicy } from './passed-headers.ts';
import type { RegistrationPolicy as TrunkRegistrationPolicy } from './registration-step.ts';
import type { ReliablePolicy } from './reliability.ts';
import type { SessionTimerPolicy } from './session-timer.ts';
import type { SipHeaders } from './sip-ports.ts';
import type { WireAddress } from './srf-adapter.ts';
import type { TrunkGroup } from './trunk-groups.ts';
import type { HealthPolicy } from './trunk-health.ts';
import type { HuntPolicy } from './trunk-hunt.ts';
import type { TrunkLimits } from './trunk-limits.ts';

export interface AuthPolicy {
  /** False: requests from anybody are taken, as `anonymous`. */
  readonly required: boolean;
  /** The challenges offered; MD5 is always sent last, because many clients read only the last. */
  readonly algorithms: readonly ('MD5' | 'SHA-256')[];
  /** Undefined: the domain. */
  readonly realm?: string | undefined;
  readonly nonceLifetimeSec: number;
}

export interface RegistrationPolicy {
  readonly minExpiresSec: number;
  readonly maxExpiresSec: number;
  /** Of one AOR. */
  readonly maxContacts: number;
}

export interface TransferPolicy {
  /**
   * `off`: its REFERs are refused. `bridge`: they are carried out by calling the target. `forward`: the same, and it is
   * itself sent REFERs when its counterpart transfers it.
   */
  readonly refer: 'off' | 'bridge' | 'forward';
}

/** How keys go to a party and come from it; `auto`: as RFC 4733 events where they were negotiated, else as tones. */
export type DtmfPolicy = 'auto' | 'rfc4733' | 'info' | 'inband';

/** How to treat who comes in over a listener, or over a trunk. */
export interface ProfilePolicy extends CodecTerms {
  readonly name: string;
  readonly media: 'rtp' | 'webrtc' | 'bypass';
  /** Video codecs that may pass through beside the audio. Default: none. */
  readonly video?: readonly VideoCodecName[] | undefined;
  readonly nat: { readonly source: RtpSourcePolicy };
  /** SDES-SRTP, where media is rtp. Default refused. */
  readonly srtp?: SrtpMode | undefined;
  /** SRTP keys may go over signaling that is not encrypted. Default false. */
  readonly srtpKeysInClear?: boolean | undefined;
  /** RFC 3262, in both directions. Default `supported`. */
  readonly reliableProvisional?: ReliablePolicy;
  /** RFC 4028; undefined: we ask for no session timer. */
  readonly sessionTimer?: SessionTimerPolicy | undefined;
  readonly auth: AuthPolicy;
  readonly registration: RegistrationPolicy;
  readonly transfer: TransferPolicy;
  readonly dtmf: DtmfPolicy;
  /** Of whose country a caller hears a phone ring that comes after early media. Default `eu`. */
  readonly ringback?: RingbackTone | 'none' | undefined;
  /** How long it may send neither RTP nor RTCP, once it has sent some, before the call ends; 0 or undefined: for any time. */
  readonly mediaTimeoutSec?: number | undefined;
  /** The same while it is on hold. */
  readonly mediaTimeoutOnHoldSec?: number | undefined;
  /** What it asserts about callers is believed, and it is told who calls even where that is private. Default false. */
  readonly trust?: boolean | undefined;
  /** Default: no header goes through. */
  readonly headers?: HeaderPolicy | undefined;
  /** Whether it is told that a call was for a user first. Default false. */
  readonly diversion?: boolean | undefined;
  /** How it writes telephone numbers; undefined: as we do. Of trunks only. */
  readonly numbers?: NumberPlan | undefined;
  /** The address its SDP announces; undefined: the media plane's default. */
  readonly announcedAddress?: string | undefined;
}

/** Which profile a request falls under: by its transport, unless it comes from a trunk. */
export interface Profiles {
  /** WS and WSS. */
  readonly browsers: ProfilePolicy;
  /** UDP, TCP and TLS. */
  readonly phones: ProfilePolicy;
}

/** To whom users and trunks without a tenant belong. */
export const DEFAULT_TENANT = 'default';
/** The tenant of what serves all of them. */
export const SHARED = '*';

export type UserSecret = { readonly password: string } | { readonly ha1: string };

export interface UserAccount {
  readonly name: string;
  /** `ha1` is MD5 over name, realm and password, and serves MD5 alone. */
  readonly secret: UserSecret;
  readonly displayName?: string | undefined;
  /** From which its calls through trunks come; undefined: that of the trunk, else its name. */
  readonly number?: string | undefined;
  /** Users of one tenant call each other and use its trunks. Default DEFAULT_TENANT. */
  readonly tenant?: string | undefined;
}

/** What proves that a request is ours, or a peer's. */
export interface DigestAccount {
  readonly username: string;
  readonly password: string;
}

export interface TrunkAccount extends DigestAccount {
  /** The only realm whose challenges are answered; undefined: the one that the trunk's servers first accepted us in. */
  readonly realm?: string | undefined;
}

export interface TrunkRegister extends TrunkRegistrationPolicy {
  /** Undefined: the user name of `auth` at the first target. */
  readonly aor?: string | undefined;
  /** Undefined: that of the AOR. */
  readonly contactUser?: string | undefined;
}

/** A trunk that leads to an agent, which callers reach by its name and which is no trunk of the dialplan. */
export interface TrunkAgent {
  /** The user part of its URI. */
  readonly user: string;
  /** Of its INVITEs, with places for what is known of the call (agent-headers.ts). */
  readonly headers: SipHeaders;
}

export interface Trunk {
  readonly name: string;
  /** Undefined: it is a carrier or a PBX. What comes from an agent's servers by itself is from a stranger. */
  readonly agent?: TrunkAgent | undefined;
  /** Whose it is; SHARED: everybody's. Default DEFAULT_TENANT. */
  readonly tenant?: string | undefined;
  /** Source addresses: IP, IP/prefix length, IP:port, or host names. None, and no certificate names: those of its servers. */
  readonly addresses: readonly string[];
  /** Names of which its verified TLS certificate must carry one; with `addresses` both must be right. */
  readonly certificateNames?: readonly string[];
  /** Where calls to it are sent: host[:port] or a sip or sips URI; of several, those before are tried first. */
  readonly target: string | readonly string[];
  /** For targets that name none; auto: by RFC 3263. */
  readonly transport: 'auto' | LocateTransport;
  readonly profile: ProfilePolicy;
  /** The number our calls to it come from, but for users with one of their own; undefined: the caller's. */
  readonly callerId?: string | undefined;
  /** Undefined: no OPTIONS are sent, and what calls find out counts as by default. */
  readonly health?: HealthPolicy | undefined;
  /** Undefined: DEFAULT_HUNT. */
  readonly hunt?: HuntPolicy | undefined;
  readonly limits?: TrunkLimits | undefined;
  /** Undefined: its challenges are not answered. */
  readonly auth?: TrunkAccount | undefined;
  /** It is known by this account, and with `addresses` by both. Undefined: by where it comes from. */
  readonly inboundAuth?: DigestAccount | undefined;
  /** Undefined: we do not register there. */
  readonly register?: TrunkRegister | undefined;
}

export interface TelephonyTimers {
  /** How long a call rings. Default 60,000. */
  readonly noAnswerMs: number;
  /** How long a call waits for a binding whose connection is gone. Default 10,000. */
  readonly reregisterWaitMs: number;
  /** How long a shutdown waits for BYEs to be answered. Default 2,000. */
  readonly shutdownMs: number;
  /** How often the loss of Legs is looked at whose codec depends on it. Default 5,000. */
  readonly lossCheckMs: number;
  /** How long call records are kept. Default 30 days. */
  readonly recordTtlMs: number;
}

export const DEFAULT_TIMERS: TelephonyTimers = {
  noAnswerMs: 60_000,
  reregisterWaitMs: 10_000,
  shutdownMs: 2_000,
  lossCheckMs: 5_000,
  recordTtlMs: 30 * 86_400_000,
};

export interface TelephonyOptions {
  readonly wire: WireAddress;
  /** The engine is the embedded one, whose word about a peer's certificate counts. */
  readonly isEngineOurs?: boolean;
  /** The host part of our AORs; `domains` are further names that mean us. */
  readonly domain: string;
  readonly domains?: readonly string[];
  /** Proxies of ours in front: IP addresses and IP/prefix lengths. */
  readonly edgeProxies?: readonly string[];
  readonly profiles: Profiles;
  readonly users: readonly UserAccount[];
  readonly trunks: readonly Trunk[];
  /** Default: none. */
  readonly trunkGroups?: readonly TrunkGroup[] | undefined;
  /** IP or IP:port of the name servers to ask for trunks; none: those of this machine. */
  readonly nameServers?: readonly string[] | undefined;
  readonly dialplan: Dialplan;
  /** What calls to trunks may cost. Default: anything. */
  readonly tollFraud?: FraudPolicy | undefined;
  /** Undefined: nobody is banned for wrong credentials. */
  readonly bans?: BanPolicy | undefined;
  readonly emergencyNumbers?: readonly string[];
  readonly routeHook?: RouteHook | undefined;
  /** Is told where the calls of trunks come from, each time that it changes: IP, IP/prefix length, IP:port. */
  readonly onTrunkSources?: ((sources: readonly string[]) => void) | undefined;
  readonly timers?: Partial<TelephonyTimers>;
  /** The engine run that connections belong to. Undefined: a new one, as with the embedded engine. */
  readonly flowEpoch?: string;
  readonly store: Store;
  readonly media: MediaPlane;
  readonly agents?: AgentDesk | undefined;
  readonly observer: CallObserver;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
