/** The features of dialogs, and which peer they are tried with: a cell is a test, or says why the peer has nothing to try. */
const FEATURES = [
  'hold: sendonly',
  'hold: inactive',
  'hold: 0.0.0.0',
  're-INVITE: new port',
  're-INVITE: without offer',
  'UPDATE',
  'PRACK by the caller',
  'PRACK by the callee',
  'session timer: the peer refreshes',
  'session timer: 422 from us',
  'session timer: 422 from the peer',
  'REFER by the peer',
  'REFER by the softphone',
  'REFER with Replaces',
  'INVITE with Replaces',
  // The last one: half of the shortest interval there is may pass while the others are tried.
  'session timer: we refresh',
] as const;
type Feature = (typeof FEATURES)[number];

/** `lacks`: what the peer cannot do, and `proof` that it says so itself: another version may. */
type Cell = (() => Promise<void>) | { readonly lacks: string; readonly proof: () => Promise<void> };

/** A row of the matrix, for `test.each`. */
export function cellsOf(
  peer: string,
  row: Readonly<Record<Feature, Cell>>,
): readonly { readonly name: string; readonly run: () => Promise<void> }[] {
  return FEATURES.map((feature) => {
    const cell = row[feature];
    if (typeof cell === 'function') return { name: feature, run: cell };
    return { name: `${feature}: not with ${peer}, ${cell.lacks}`, run: cell.proof };
  });
}
