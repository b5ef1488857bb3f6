import type { Direction } from './model.ts';

/** The direction we may answer: what we want, cut to what the offer allows (RFC 3264 §6.1). Both as each side sees itself. */
export function answerDirection(remote: Direction, wanted: Direction): Direction {
  const sends = canSend(wanted) && canReceive(remote);
  const receives = canReceive(wanted) && canSend(remote);
  if (sends) return receives ? 'sendrecv' : 'sendonly';
  return receives ? 'recvonly' : 'inactive';
}

function canSend(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

function canReceive(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}
