import type { Clock, Timer } from '../kernel/index.ts';

/** What the promise gives, or undefined when that takes longer than `ms`. */
export async function within<Value>(
  { ms, clock }: { readonly ms: number; readonly clock: Clock },
  promise: Promise<Value>,
): Promise<Value | undefined> {
  let timer: Timer | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = clock.after(ms, () => resolve(undefined));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer?.cancel();
  }
}
