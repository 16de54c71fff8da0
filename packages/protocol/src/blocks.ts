import { z } from 'zod';
import { revocationReasonSchema, serialSchema, subjectNameSchema, timestampSchema } from './names.ts';

/** Reasons of a revocation after which nobody gets a certificate for the names of the revoked one until an administrator allows it. */
export const blockingReasons = ['keyCompromise', 'privilegeWithdrawn', 'cessationOfOperation'] as const;

/** An identity that is blocked: `name` is its holder's, `names` are all that its certificates had, as `type:value`. */
export const blockedIdentitySchema = z.strictObject({
  name: z.string(),
  names: z.array(z.string()),
  reason: revocationReasonSchema,
  serial: serialSchema,
  blockedAt: timestampSchema,
});
export type BlockedIdentity = z.infer<typeof blockedIdentitySchema>;

/** Answer of GET /v1/blocks. */
export const blockListSchema = z.strictObject({ blocked: z.array(blockedIdentitySchema) });
export type BlockList = z.infer<typeof blockListSchema>;

/** POST /v1/blocks/removals: the identity of this holder may get certificates again. */
export const allowRequestSchema = z.strictObject({ name: subjectNameSchema });
export type AllowRequest = z.infer<typeof allowRequestSchema>;

/** Answer of POST /v1/blocks/removals. */
export const allowResultSchema = z.strictObject({ name: z.string(), names: z.array(z.string()) });
export type AllowResult = z.infer<typeof allowResultSchema>;
