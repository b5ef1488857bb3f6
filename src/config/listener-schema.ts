/** Where SIP is listened for: the listeners of a profile. */
import { z } from 'zod';

const port = z.int().min(0).max(65535);

export const listenerSchema = z
  .strictObject({
    transport: z.enum(['udp', 'tcp', 'tls', 'ws', 'wss']).describe('SIP transport'),
    address: z
      .string()
      .default('0.0.0.0')
      .describe('local address; a listener has one family: for IPv6 add another one on "::" or an IPv6 address'),
    port: port.describe('local port'),
    advertisedAddress: z.string().optional().describe('address told to peers in Via and Contact, when it differs'),
    advertisedPort: port.optional().describe('port told to peers, when it differs'),
    certificate: z.string().optional().describe('tls, wss: PEM file; without it that of https'),
    key: z.string().optional().describe('PEM file of the private key of `certificate`'),
    clientCa: z
      .string()
      .optional()
      .describe('tls, wss: PEM file of the authorities of client certificates; without it none is asked for'),
    clientCertificate: z
      .enum(['ask', 'require'])
      .default('ask')
      .describe('require: no connection without a certificate of `clientCa`'),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    path: ['key'],
    error: 'certificate and key belong together: give both or none',
  })
  .refine(
    ({ transport, certificate, clientCa }) =>
      transport === 'tls' || transport === 'wss' || (certificate === undefined && clientCa === undefined),
    { path: ['transport'], error: 'certificate and clientCa are of use to the transports tls and wss only' },
  )
  .refine(({ clientCertificate, clientCa }) => clientCertificate === 'ask' || clientCa !== undefined, {
    path: ['clientCertificate'],
    error: 'require needs clientCa, the authorities to be believed',
  });

export type ListenerConfig = z.infer<typeof listenerSchema>;
