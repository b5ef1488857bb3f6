/** What can go wrong, as closed words, and what the page says about each in plain language. */
export type Trouble =
  | 'microphone-refused'
  | 'microphone-missing'
  | 'microphone-busy'
  | 'camera-refused'
  | 'camera-missing'
  | 'camera-busy'
  | 'insecure-page'
  | 'wrong-password'
  | 'unreachable'
  | 'not-registered'
  | 'bad-number'
  | 'busy'
  | 'declined'
  | 'not-found'
  | 'no-answer'
  | 'unavailable'
  | 'no-common-codec'
  | 'not-allowed'
  | 'connection-lost'
  | 'failed';

const sentences: Record<Trouble, string> = {
  'microphone-refused': 'The microphone is blocked. Allow it for this page in the address bar, then call again.',
  'microphone-missing': 'No microphone was found. Plug one in, then call again.',
  'microphone-busy': 'Another program is using the microphone. Close it, then call again.',
  'camera-refused': 'You are not seen: the camera is blocked. Allow it for this page in the address bar.',
  'camera-missing': 'You are not seen: no camera was found.',
  'camera-busy': 'You are not seen: another program is using the camera.',
  'insecure-page': 'The browser gives no microphone to an unprotected page. Open this page with https instead.',
  'wrong-password': 'The user name or the password is wrong.',
  unreachable: 'The gateway cannot be reached. Trying again…',
  'not-registered': 'Not connected yet. Wait a moment, then call again.',
  'bad-number': 'That is not a number or a name that can be called.',
  busy: 'Busy. Try again later.',
  declined: 'The call was declined.',
  'not-found': 'Nobody has this number or name.',
  'no-answer': 'No answer.',
  unavailable: 'Not available right now.',
  'no-common-codec': 'The other side has no audio format in common with this browser.',
  'not-allowed': 'You may not call this number.',
  'connection-lost': 'The connection was lost and did not come back. Call again.',
  failed: 'The call did not work. Try again.',
};

/** The sentence for people. */
export function sentence(trouble: Trouble): string {
  return sentences[trouble];
}

const byStatus = new Map<number, Trouble>([
  [401, 'wrong-password'],
  [403, 'not-allowed'],
  [404, 'not-found'],
  [407, 'wrong-password'],
  [408, 'no-answer'],
  [410, 'not-found'],
  [415, 'no-common-codec'],
  [416, 'bad-number'],
  [480, 'unavailable'],
  [484, 'bad-number'],
  [486, 'busy'],
  [488, 'no-common-codec'],
  [503, 'unavailable'],
  [600, 'busy'],
  [603, 'declined'],
  [604, 'not-found'],
  [606, 'no-common-codec'],
]);

/** The trouble that a final SIP status of 300 or above means to the one who called. */
export function troubleOfStatus(status: number): Trouble {
  return byStatus.get(status) ?? 'failed';
}

/** The trouble behind a DOMException of getUserMedia, by its name (Media Capture and Streams §10.2). */
export function troubleOfMicrophone(name: string): Trouble {
  const what = whatOfDevice(name);
  return what === undefined ? 'failed' : `microphone-${what}`;
}

/** The same for the camera, without which the call goes on. */
export function troubleOfCamera(name: string): Trouble {
  return `camera-${whatOfDevice(name) ?? 'busy'}`;
}

function whatOfDevice(name: string): 'refused' | 'missing' | 'busy' | undefined {
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'refused';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return undefined;
  }
}
