import { z } from 'zod';
import {
  pemSchema,
  revocationReasonSchema,
  serialInputSchema,
  serialSchema,
  subjectNameSchema,
  timestampSchema,
} from './names.ts';

const target = {
  name: subjectNameSchema.optional(),
  serial: serialInputSchema.optional(),
  certificate: pemSchema.optional(),
};

function namesOne(value: { name?: unknown; serial?: unknown; certificate?: unknown }): boolean {
  return [value.name, value.serial, value.certificate].filter((one) => one !== undefined).length === 1;
}
const exactlyOne = 'exactly one of name, serial and certificate';

/** POST /v1/revocations: every unexpired certificate of `name` and its open tokens, or the one of `serial` or `certificate` (PEM). */
export const revocationRequestSchema = z
  .strictObject({
    ...target,
    reason: revocationReasonSchema.default('unspecified'),
    /** Since when the key is known or suspected to have been compromised (RFC 5280, section 5.3.2). */
    invalidityDate: timestampSchema.optional(),
  })
  .refine(namesOne, exactlyOne);
export type RevocationRequest = z.input<typeof revocationRequestSchema>;

/** POST /v1/releases: ends the hold of what it names. */
export const releaseRequestSchema = z.strictObject(target).refine(namesOne, exactlyOne);
export type ReleaseRequest = z.input<typeof releaseRequestSchema>;

const serialAndName = z.strictObject({ serial: serialSchema, name: z.string() });

/** Servers of the SDK that judge by the feed. */
const serverConvergenceSchema = z.strictObject({ connected: z.int().min(0), converged: z.int().min(0) });

const nodeConvergenceSchema = z.strictObject({
  node: z.string(),
  gateways: z.int().min(0),
  converged: z.int().min(0),
  servers: serverConvergenceSchema.optional(),
  answered: z.boolean(),
});
export type NodeConvergence = z.infer<typeof nodeConvergenceSchema>;

/** How far the gateways, and the servers that judge by the feed, were when the answer was given; bounded by one second. */
export const convergenceSchema = z.strictObject({
  gateways: z.int().min(0),
  converged: z.int().min(0),
  waitedMs: z.number().min(0),
  /** Servers of the SDK, where any are connected: they are waited for like gateways, and counted beside them. */
  servers: serverConvergenceSchema.optional(),
  /** The other nodes of the authority, each with its part of both numbers; `answered` is false for one that was not heard in time. */
  nodes: z.array(nodeConvergenceSchema).optional(),
});
export type Convergence = z.infer<typeof convergenceSchema>;

/** Answer of POST /v1/revocations. */
export const revocationResultSchema = z.strictObject({
  revoked: z.array(serialAndName),
  alreadyRevoked: z.array(serialAndName),
  /** Open enrollment tokens that were closed with the name. */
  tokens: z.int().min(0),
  convergence: convergenceSchema,
});
export type RevocationResult = z.infer<typeof revocationResultSchema>;

/** Answer of POST /v1/releases. */
export const releaseResultSchema = z.strictObject({
  released: z.array(serialAndName),
  convergence: convergenceSchema,
});
export type ReleaseResult = z.infer<typeof releaseResultSchema>;
