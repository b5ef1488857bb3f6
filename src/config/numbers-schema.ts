/** How a peer writes telephone numbers: part of a profile, and of a trunk that differs from it. */
import { z } from 'zod';

const dialed = z.string().regex(/^[0-9*#]{0,16}$/, 'digits, * and #');
const begin = z.string().regex(/^\+?[0-9*#]{0,16}$/, 'digits, * and #, with + in front');

const rewriteSchema = z.strictObject({
  strip: begin.default('').describe('what the number begins with; nothing: any number'),
  prepend: begin.default('').describe('what it begins with instead'),
});

const styleSchema = z.strictObject({
  format: z
    .enum(['as-is', 'e164', 'digits', 'international', 'national'])
    .optional()
    .describe(
      'e164: +4930123456; digits: 4930123456; international: 004930123456; national: 030123456, other countries as international; as-is (the default): nothing is changed',
    ),
  prefix: dialed.optional().describe('in front of every number to it (a tech prefix), and taken off those from it'),
  receive: z.array(rewriteSchema).max(32).optional().describe('changes to what it sends, before `format` is read'),
  send: z.array(rewriteSchema).max(32).optional().describe('changes to what it gets, after `format` was written'),
});

export const numbersSchema = z.strictObject({
  // Unquoted in YAML they are numbers, and mean the same.
  country: z.coerce
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'a country code without + or 0, as "49"')
    .optional()
    .describe('country code, as "49"; without it only numbers that say their country are understood'),
  area: z.coerce
    .string()
    .regex(/^\d{1,6}$/, 'an area code without the national prefix, as "30"')
    .optional()
    .describe('area code without the national prefix, as "30": for numbers without one'),
  nationalPrefix: z
    .string()
    .regex(/^\d{0,4}$/, 'digits')
    .optional()
    .describe('how a number within the country begins; default: as is usual in `country`, else 0'),
  internationalPrefix: z
    .string()
    .regex(/^\d{1,5}$/, 'digits')
    .optional()
    .describe('how a number in another country begins; default: as is usual in `country`, else 00'),
  shortest: z
    .int()
    .min(2)
    .max(15)
    .optional()
    .describe('digits of the shortest whole number (default 7): extensions and short codes stay as they are'),
  called: styleSchema.optional().describe('how it writes the called number'),
  calling: styleSchema.optional().describe('how it writes the calling number'),
  uri: z
    .enum(['sip', 'phone', 'tel'])
    .optional()
    .describe(
      'sip (the default); phone: sip URIs to it say ;user=phone; tel: the called number is a tel URI where it is whole',
    ),
});
