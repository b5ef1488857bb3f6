import { z } from 'zod';

/** Printable, and of bounded length: it goes into headers, records and logs. */
export const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{C}]*$/u, 'must not have control characters');
