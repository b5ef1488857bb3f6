import { z } from 'zod';

/** Where a secret is: never in the file itself. */
export const environmentName = z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'must be the name of an environment variable');
