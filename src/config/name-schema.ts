/** Names that several parts of the configuration give. */
import { z } from 'zod';

export const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, 'letters, digits, dot, dash, underscore; at most 64');

export const tenant = z
  .string()
  .regex(/^(\*|[a-z0-9][a-z0-9._-]{0,63})$/i, 'letters, digits, dot, dash, underscore; at most 64; or *')
  .default('default')
  .describe('whose it is: users of one tenant call each other and use its trunks; *: everybody’s');
