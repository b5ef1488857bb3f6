/**
 * The softphone as its users see it, the page and tests alike (`window.softphone`): plain data and verbs, no types of
 * the browser, so that a test in Node can name them.
 */
import type { CallState } from './call-state.ts';
import type { PhoneEvent } from './event-log.ts';
import type { Account } from './sign-in.ts';
import type { Trouble } from './trouble.ts';

export type LineState =
  | { readonly kind: 'signed-out' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'online' }
  /** The connection broke; it is being re-established. */
  | { readonly kind: 'reconnecting'; readonly attempt: number }
  /** The gateway does not want us: trying again would not help. */
  | { readonly kind: 'refused'; readonly trouble: Trouble };

export interface PhoneState {
  readonly line: LineState;
  /** The call on the screen. */
  readonly call: CallState;
  /** A second one: held, or waiting to be answered. */
  readonly other: CallState | undefined;
  readonly user: string | undefined;
}

/** How a call sounds. */
export interface CallQuality {
  /** The codec heard, such as `opus` or `PCMU`; undefined before the first packet. */
  readonly codec: string | undefined;
  readonly packetsReceived: number;
  /** Of all packets expected so far, 0 to 1. */
  readonly lossShare: number;
  readonly jitterMs: number;
  readonly roundTripMs: number | undefined;
  readonly packetsSent: number;
}

export interface PhoneHook {
  readonly state: PhoneState;
  readonly log: readonly PhoneEvent[];
  on(name: 'change', listener: (state: PhoneState) => void): () => void;
  /** Connects and registers; resolves when the line is online and throws the Trouble's word when it is refused. */
  register(account: Account): Promise<void>;
  /** Ends the call, takes the registration back and closes the microphone. */
  signOut(): Promise<void>;
  /** Opens the microphone now, so that the next call does not wait for it. */
  warmMicrophone(): Promise<Trouble | undefined>;
  /** Calls a name, a number or a SIP URI, with the camera if wanted. What becomes of it is told by `state`. */
  call(target: string, withVideo?: boolean): void;
  /** Answers the incoming call; one that waits is answered by holding the call on the screen. Without video: nobody sees us. */
  answer(withVideo?: boolean): void;
  /** Refuses the incoming call: 603 everywhere, or 486 to say that we are busy. */
  decline(why?: 'declined' | 'busy'): void;
  /** Ends whatever call there is: CANCEL, 603 or BYE. */
  hangUp(): void;
  mute(isMuted: boolean): void;
  /** The other party sees black, or us again. On in a call of audio alone: asks the other side for video. */
  turnCameraOff(isCameraOff: boolean): void;
  /** Puts the other party on hold, or takes it back. Resolves when the other side has agreed; false when it has not. */
  hold(isHeld: boolean): Promise<boolean>;
  /** Sends the call on to somebody else (blind). What becomes of it is told by `state`. */
  transfer(target: string): void;
  /** Holds the call and calls somebody else first. */
  consult(target: string): void;
  /** Joins the two parties with each other, and is out of it. */
  connectBoth(): void;
  /** Holds the call on the screen and goes back to the other one. */
  swap(): void;
  /** Sends `0`–`9`, `*`, `#`, `A`–`D` to the other party; false when there is no call that can carry them. */
  sendDigits(digits: string): boolean;
  /** How the call sounds; undefined when there is none. */
  quality(): Promise<CallQuality | undefined>;
}
