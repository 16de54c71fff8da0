import { z } from 'zod';
import { parseAddress } from './address.ts';
import { DURATION_PATTERN } from './duration.ts';

/** Kinds of fields that come more than once; `words` say what the field does. */

export const text = (words: string) => z.string().min(1).max(4096).describe(words);
export const file = (words: string) => text(`${words} A relative path starts at the folder of the configuration file.`);

/** Kept as written; {@link parseDuration} reads it. */
export const duration = (words: string) =>
  z
    .union([z.number().min(0), z.string().regex(DURATION_PATTERN, 'a duration such as 30s, 15m or 24h, or seconds')])
    .describe(`${words} Seconds, or a number with ms, s, m, h or d.`);

export const address = (words: string) =>
  z
    .string()
    .refine((value) => parseAddress(value) !== undefined, 'HOST:PORT, an IPv6 address in brackets')
    .describe(words);

export const bytes = (words: string) => z.int().min(1).max(1_073_741_824).describe(words);
