/** TLS towards a trunk. */
import { z } from 'zod';

export const trunkTlsSchema = z
  .strictObject({
    ca: z
      .string()
      .optional()
      .describe("PEM file of the authorities its certificate may come from, instead of the system's"),
    certificate: z
      .string()
      .optional()
      .describe("PEM file of the certificate we show when asked, instead of the listener's"),
    key: z.string().optional().describe('PEM file of the private key of `certificate`'),
    verify: z.boolean().default(true).describe('false: whoever answers is believed; for tests only'),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe('name its certificate must have (RFC 5922), when that is not the host of `target`'),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    path: ['key'],
    error: 'certificate and key belong together: give both or none',
  });
