import { z } from 'zod';
import { auditActorSchema } from './audit.ts';
import { pemSchema, profileNameSchema, sanSchema, serialSchema, sha256HexSchema, timestampSchema } from './names.ts';

/** What becomes of a request that waits for an administrator. */
export const requestStatuses = ['pending', 'approved', 'denied', 'expired'] as const;
/** One of {@link requestStatuses}. */
export const requestStatusSchema = z.enum(requestStatuses);
export type RequestStatus = z.infer<typeof requestStatusSchema>;

/** The doors that requests come in by. */
export const requestDoors = ['token', 'gateway', 'renewal', 'est', 'acme'] as const;
/** One of {@link requestDoors}. */
export const requestDoorSchema = z.enum(requestDoors);
export type RequestDoor = z.infer<typeof requestDoorSchema>;

/** The id of a request. */
export const requestIdSchema = z.string().regex(/^[\w-]{1,64}$/u);

/** The longest reason of a denial, characters. */
export const longestReason = 500;

/**
 * What a door answers with (202, `Retry-After`) while an administrator has to approve: ask again at `poll` with the same credentials.
 * Asking with the same request once more says the same.
 */
export const waitingSchema = z.strictObject({
  status: z.literal('pending'),
  request: requestIdSchema,
  /** The path to ask at. */
  poll: z.string(),
  /** When nobody needs to wait any longer. */
  expiresAt: timestampSchema,
});
export type Waiting = z.infer<typeof waitingSchema>;

/** A request as `requests` lists it. */
export const requestRecordSchema = z.strictObject({
  id: requestIdSchema,
  status: requestStatusSchema,
  name: z.string(),
  profile: profileNameSchema,
  sans: z.array(sanSchema),
  door: requestDoorSchema,
  /** Who asked, as the audit log names it. */
  requestedBy: auditActorSchema,
  createdAt: timestampSchema,
  expiresAt: timestampSchema,
  /** SHA-256 of the SubjectPublicKeyInfo: what somebody on the telephone can read aloud. */
  keySha256: sha256HexSchema,
  decidedAt: timestampSchema.optional(),
  decidedBy: auditActorSchema.optional(),
  /** Of a denial. */
  reason: z.string().optional(),
  /** Of the certificate, where it was approved. */
  serial: serialSchema.optional(),
});
export type RequestRecord = z.infer<typeof requestRecordSchema>;

/** Query of GET /v1/requests. `cursor` is the `next` of the page before. */
export const requestQuerySchema = z.strictObject({
  status: requestStatusSchema.optional(),
  cursor: requestIdSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
export type RequestQuery = z.input<typeof requestQuerySchema>;

/** Answer of GET /v1/requests, newest last. */
export const requestListSchema = z.strictObject({
  requests: z.array(requestRecordSchema),
  next: requestIdSchema.optional(),
});
export type RequestList = z.infer<typeof requestListSchema>;

/** Answer of GET /v1/requests/:id: with the request itself, and what its door has proven, as `type:value`. */
export const requestDetailSchema = z.strictObject({
  ...requestRecordSchema.shape,
  proven: z.array(z.string()),
  csr: pemSchema,
});
export type RequestDetail = z.infer<typeof requestDetailSchema>;

/** POST /v1/requests/approvals. */
export const approvalSchema = z.strictObject({ id: requestIdSchema });

/** Answer of POST /v1/requests/approvals: the certificate that the waiting party picks up. */
export const approvedSchema = z.strictObject({
  id: requestIdSchema,
  name: z.string(),
  serial: serialSchema,
  notAfter: timestampSchema,
});
export type Approved = z.infer<typeof approvedSchema>;

/** POST /v1/requests/denials. Whoever waits is told the reason. */
export const denialSchema = z.strictObject({
  id: requestIdSchema,
  reason: z.string().trim().min(1).max(longestReason),
});

/** Answer of POST /v1/requests/denials. */
export const deniedSchema = z.strictObject({ id: requestIdSchema, name: z.string(), reason: z.string() });
export type Denied = z.infer<typeof deniedSchema>;
