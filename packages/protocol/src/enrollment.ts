import { z } from 'zod';
import {
  pemSchema,
  profileNameSchema,
  sanSchema,
  sha256HexSchema,
  subjectNameSchema,
  timestampSchema,
} from './names.ts';

/** The audience of every enrollment token. */
export const enrollmentAudience = 'countersign-enroll';

/** POST /v1/tokens. `ttlSeconds` is 15 minutes unless given. */
export const tokenRequestSchema = z.strictObject({
  name: subjectNameSchema,
  profile: profileNameSchema.default('client'),
  sans: z.array(sanSchema).max(1000).default([]),
  ttlSeconds: z
    .int()
    .min(1)
    .max(30 * 86_400)
    .default(900),
});
export type TokenRequest = z.input<typeof tokenRequestSchema>;

/** Answer of POST /v1/tokens: the token itself is told here and never again. */
export const tokenResponseSchema = z.strictObject({ token: z.string(), expiresAt: timestampSchema });
export type TokenResponse = z.infer<typeof tokenResponseSchema>;

/**
 * The payload of an enrollment token (a JWT, ES256). The client reads `root` and checks the authority's root against it before it
 * sends anything; only the authority checks the signature.
 */
export const tokenPayloadSchema = z.looseObject({
  iss: z.string(),
  aud: z.literal(enrollmentAudience),
  jti: z.string(),
  iat: z.int(),
  exp: z.int(),
  sub: subjectNameSchema,
  profile: profileNameSchema,
  sans: z.array(sanSchema),
  /** Lower-case hex SHA-256 of the root certificate's DER. */
  root: sha256HexSchema,
  /** Where to redeem it: the base URL of the authority's API. */
  url: z.url(),
});
export type TokenPayload = z.infer<typeof tokenPayloadSchema>;

/** POST /v1/enroll, with `Authorization: Bearer TOKEN`: names, profile and lifetime come from the token. */
export const enrollRequestSchema = z.strictObject({ csr: pemSchema });
export type EnrollRequest = z.infer<typeof enrollRequestSchema>;

/** POST /v1/renew over mutual TLS: names and profile come from the client certificate. */
export const renewRequestSchema = z.strictObject({ csr: pemSchema });
export type RenewRequest = z.infer<typeof renewRequestSchema>;
