import { z } from 'zod';
import { profileNameSchema, subjectNameSchema, timestampSchema } from './names.ts';

const patternsSchema = z.array(z.string().min(1).max(300)).max(1000);

/**
 * POST /v1/acme-keys. Names are `dns:NAME`, `dns:*.NAME` (that wildcard), `dns:.NAME` (every name below) and `ip:ADDRESS[/BITS]`. `allowed`
 * absent: what is preauthorized, or where that is nothing every name that a challenge proves.
 */
export const acmeKeyRequestSchema = z.strictObject({
  name: subjectNameSchema,
  allowed: patternsSchema.optional(),
  preauthorized: patternsSchema.default([]),
  profile: profileNameSchema.default('server'),
  /** How many accounts can be bound with it; absent: any number. */
  accounts: z.int().min(1).optional(),
  /** Until when accounts can be bound with it, from now. */
  ttlSeconds: z
    .int()
    .min(1)
    .max(10 * 366 * 86_400)
    .default(30 * 86_400),
});
export type AcmeKeyRequest = z.input<typeof acmeKeyRequestSchema>;

/** An external account key without its secret. */
export const acmeKeySchema = z.strictObject({
  /** What ACME clients call the key identifier (EAB KID). */
  id: z.string(),
  name: z.string(),
  profile: profileNameSchema,
  allowed: patternsSchema.optional(),
  preauthorized: patternsSchema,
  accounts: z.int().optional(),
  createdAt: timestampSchema,
  expiresAt: timestampSchema,
});
export type AcmeKey = z.infer<typeof acmeKeySchema>;

/** Answer of POST /v1/acme-keys: `hmacKey` (base64url) is told here and never again. */
export const acmeKeyCreatedSchema = z.strictObject({ ...acmeKeySchema.shape, hmacKey: z.string() });
export type AcmeKeyCreated = z.infer<typeof acmeKeyCreatedSchema>;

/** Answer of GET /v1/acme-keys. */
export const acmeKeyListSchema = z.strictObject({ keys: z.array(acmeKeySchema) });
export type AcmeKeyList = z.infer<typeof acmeKeyListSchema>;

/** POST /v1/acme-keys/removals. */
export const acmeKeyRemovalSchema = z.strictObject({ id: z.string().min(1).max(64) });

/** Answer of POST /v1/acme-keys/removals. */
export const acmeKeyRemovedSchema = z.strictObject({ id: z.string() });
