/** Where PBXs dial in by AudioSocket. */
import { z } from 'zod';
import { name, tenant } from './name-schema.ts';

const entrySchema = z.strictObject({
  uuid: z.uuid().describe('what the PBX says first, as in AudioSocket(uuid,host:port)'),
  to: z
    .string()
    .regex(/^[\w.!~*'()+$#-]{1,128}$/, 'a number, or the name of a user or an agent')
    .describe('where such calls go, by the dialplan: a number, or the name of a user or an agent'),
  from: name.default('audiosocket').describe('what the called party sees'),
  tenant,
});

export const audioSocketServerSchema = z.strictObject({
  address: z
    .union([z.ipv4(), z.ipv6()])
    .default('127.0.0.1')
    .describe('local address: the protocol has no passwords and no encryption'),
  port: z.int().min(0).max(65_535).default(9092).describe('local port'),
  maxCalls: z.int().min(1).max(100_000).default(200).describe('connections at a time; more are closed'),
  calls: z.array(entrySchema).default([]).describe('what may be reached; without any nothing listens'),
});
