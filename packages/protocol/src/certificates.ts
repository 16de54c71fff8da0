import { z } from 'zod';
import {
  pemSchema,
  profileNameSchema,
  recordedProfileSchema,
  revocationReasonSchema,
  sanSchema,
  serialSchema,
  sha256HexSchema,
  subjectNameSchema,
  timestampSchema,
} from './names.ts';

/** The trust anchors and intermediates of this PKI; `generation` counts its changes. */
export const bundleSchema = z.strictObject({
  anchors: z.array(pemSchema),
  intermediates: z.array(pemSchema),
  generation: z.int().min(0),
});
export type Bundle = z.infer<typeof bundleSchema>;

/** POST /v1/certificates. With neither `notAfter` nor `lifetimeSeconds` the profile's own lifetime holds. */
export const certificateRequestSchema = z.strictObject({
  name: subjectNameSchema,
  profile: profileNameSchema,
  sans: z.array(sanSchema).max(1000).default([]),
  csr: pemSchema,
  notBefore: timestampSchema.optional(),
  notAfter: timestampSchema.optional(),
  lifetimeSeconds: z.int().min(1).optional(),
  /** It says of itself that it comes with an OCSP response (RFC 7633); for profiles of servers. */
  mustStaple: z.boolean().optional(),
});
export type CertificateRequest = z.input<typeof certificateRequestSchema>;

/** That a certificate ends earlier than asked for, and why. */
export const shortenedSchema = z.strictObject({
  requestedNotAfter: timestampSchema,
  because: z.literal('issuer'),
  detail: z.string(),
});
export type Shortened = z.infer<typeof shortenedSchema>;

/** What every door answers with. */
export const issuedCertificateSchema = z.strictObject({
  /** PEM: the leaf, then the intermediates. */
  certificate: pemSchema,
  /** PEM: the roots. */
  ca: pemSchema,
  serial: serialSchema,
  name: subjectNameSchema,
  profile: profileNameSchema,
  notBefore: timestampSchema,
  notAfter: timestampSchema,
  shortened: shortenedSchema.optional(),
});
export type IssuedCertificate = z.infer<typeof issuedCertificateSchema>;

/** What can be said of a certificate that was issued; the first that holds of revoked, held, expired, valid. */
export const certificateStatuses = ['valid', 'revoked', 'held', 'expired'] as const;
/** One of {@link certificateStatuses}. */
export const certificateStatusSchema = z.enum(certificateStatuses);
export type CertificateStatus = z.infer<typeof certificateStatusSchema>;

/** A certificate as `list` and `show` tell it. `files` is added by whoever knows where it was written. */
export const certificateRecordSchema = z.strictObject({
  name: z.string(),
  serial: serialSchema,
  profile: recordedProfileSchema,
  sans: z.array(sanSchema),
  issuer: z.string(),
  notBefore: timestampSchema,
  notAfter: timestampSchema,
  status: certificateStatusSchema,
  reason: revocationReasonSchema.optional(),
  revokedAt: timestampSchema.optional(),
  /** Since when the key is known or suspected to have been compromised. */
  invalidityDate: timestampSchema.optional(),
  fingerprintSha256: sha256HexSchema,
  files: z.array(z.string()).optional(),
});
export type CertificateRecord = z.infer<typeof certificateRecordSchema>;

/** Query of GET /v1/certificates. `cursor` is the `next` of the page before. */
export const certificateQuerySchema = z.strictObject({
  name: subjectNameSchema.optional(),
  status: certificateStatusSchema.optional(),
  cursor: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
export type CertificateQuery = z.input<typeof certificateQuerySchema>;

/** Answer of GET /v1/certificates, newest last. */
export const certificateListSchema = z.strictObject({
  certificates: z.array(certificateRecordSchema),
  next: z.string().optional(),
});
export type CertificateList = z.infer<typeof certificateListSchema>;

/** Answer of GET /v1/certificates/:serial: the record, and the PEM chain that was handed out. */
export const certificateDetailSchema = z.strictObject({ ...certificateRecordSchema.shape, certificate: pemSchema });
export type CertificateDetail = z.infer<typeof certificateDetailSchema>;
