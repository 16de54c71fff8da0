import { z } from 'zod';
import { bundleSchema } from './certificates.ts';
import { revocationReasonSchema, serialSchema, sha256HexSchema } from './names.ts';

/**
 * A place in the feed: `EPOCH:SEQ`. The sequence is commit order; the epoch is the store's and changes when a backup is
 * restored, so that a cursor of another history is never mistaken for one of this.
 */
export const cursorSchema = z.string().regex(/^[0-9a-f]{16,64}:\d{1,16}$/u);

/** The two halves of a cursor, or undefined for what is none. */
export function parseCursor(text: string): { epoch: string; seq: number } | undefined {
  if (!cursorSchema.safeParse(text).success) return undefined;
  const [epoch = '', seq = ''] = text.split(':');
  return { epoch, seq: Number(seq) };
}

/** The cursor of `seq` in `epoch`. */
export function formatCursor(epoch: string, seq: number): string {
  return `${epoch}:${seq}`;
}

/** Milliseconds since the epoch (UTC). */
const millisSchema = z.int().min(0);

/** One revoked certificate. `issuer` is the lower-case hex SHA-256 of the issuing CA's SubjectPublicKeyInfo DER. */
export const revocationEntrySchema = z.strictObject({
  issuer: sha256HexSchema,
  serial: serialSchema,
  reason: revocationReasonSchema,
  revokedAt: millisSchema,
  notAfter: millisSchema,
  /** True while it is on hold and may be released. */
  hold: z.literal(true).optional(),
});
export type RevocationEntry = z.infer<typeof revocationEntrySchema>;

/**
 * The whole state at `epoch:seq`. `signature` is a compact JWS by the key of the issuing CA whose certificate is the header's
 * `x5c[0]`; its payload is `snapshotClaimsSchema`, and its `sha256` is over `snapshotSigningInput`.
 */
export const snapshotEventSchema = z.strictObject({
  type: z.literal('snapshot'),
  cursor: cursorSchema,
  epoch: z.string(),
  seq: z.int().min(0),
  issuedAt: millisSchema,
  /** Unexpired revoked certificates, ordered by issuer, then serial. */
  revocations: z.array(revocationEntrySchema),
  bundle: bundleSchema,
  signature: z.string(),
});
export type SnapshotEvent = z.infer<typeof snapshotEventSchema>;

/** The `typ` of a snapshot's JWS, so that no other signature of the key can pass for one. */
export const snapshotJwsType = 'countersign-snapshot';

/** The payload of a snapshot's JWS. */
export const snapshotClaimsSchema = z.strictObject({
  epoch: z.string(),
  seq: z.int().min(0),
  issuedAt: millisSchema,
  sha256: sha256HexSchema,
});
export type SnapshotClaims = z.infer<typeof snapshotClaimsSchema>;

/**
 * The text that a snapshot's `sha256` is taken over, as pieces (a million entries need not be one string): one line for the
 * head, one for each revocation in their order, one for their number and the bundle. The number comes last: whoever writes a snapshot
 * while it reads the revocations need not have counted them.
 */
export function* snapshotSigningInput(
  snapshot: Pick<SnapshotEvent, 'epoch' | 'seq' | 'issuedAt' | 'revocations' | 'bundle'>,
): Generator<string> {
  const { revocations, bundle } = snapshot;
  yield snapshotSigning.head(snapshot);
  for (const entry of revocations) yield snapshotSigning.entry(entry);
  yield snapshotSigning.tail(revocations.length, bundle);
}

/** The pieces of `snapshotSigningInput`, each a line, for whoever does not have the whole of it at once. */
export const snapshotSigning = {
  head: ({ epoch, seq, issuedAt }: Pick<SnapshotEvent, 'epoch' | 'seq' | 'issuedAt'>): string =>
    `${JSON.stringify([snapshotJwsType, epoch, seq, issuedAt])}\n`,
  entry: ({ issuer, serial, reason, revokedAt, notAfter, hold }: RevocationEntry): string =>
    `${JSON.stringify([issuer, serial, reason, revokedAt, notAfter, hold === true])}\n`,
  tail: (revocations: number, { generation, anchors, intermediates }: SnapshotEvent['bundle']): string =>
    `${JSON.stringify([revocations, generation, anchors, intermediates])}\n`,
} as const;

/** A certificate was revoked, or put on hold. */
export const revokedEventSchema = z.strictObject({
  type: z.literal('revoked'),
  cursor: cursorSchema,
  ...revocationEntrySchema.shape,
});
export type RevokedEvent = z.infer<typeof revokedEventSchema>;

/** A hold has ended: the certificate counts again. */
export const releasedEventSchema = z.strictObject({
  type: z.literal('released'),
  cursor: cursorSchema,
  issuer: sha256HexSchema,
  serial: serialSchema,
  reason: revocationReasonSchema,
  revokedAt: millisSchema,
  notAfter: millisSchema,
});
export type ReleasedEvent = z.infer<typeof releasedEventSchema>;

/** Anchors or intermediates have changed; the whole new bundle. */
export const bundleEventSchema = z.strictObject({
  type: z.literal('bundle'),
  cursor: cursorSchema,
  bundle: bundleSchema,
});
export type BundleEvent = z.infer<typeof bundleEventSchema>;

/** Nothing beyond `cursor` at `at`: the state is fresh. */
export const heartbeatEventSchema = z.strictObject({
  type: z.literal('heartbeat'),
  cursor: cursorSchema,
  at: millisSchema,
  /** The number of revocations that count at `at`, and a digest of them: both sides hold theirs against it. */
  digest: z
    .string()
    .regex(/^\d{1,10}-[0-9a-f]{32}$/u)
    .optional(),
});
export type HeartbeatEvent = z.infer<typeof heartbeatEventSchema>;

/** One line of GET /v1/feed. */
export const feedEventSchema = z.discriminatedUnion('type', [
  snapshotEventSchema,
  revokedEventSchema,
  releasedEventSchema,
  bundleEventSchema,
  heartbeatEventSchema,
]);
export type FeedEvent = z.infer<typeof feedEventSchema>;

/** The media type of the feed: one JSON object a line. */
export const feedMediaType = 'application/x-ndjson';

const gatewayIdSchema = z.string().regex(/^[\w.:@-]{1,128}$/u);

/**
 * Query of GET /v1/feed. Without a cursor the first line is a snapshot; with `snapshot=full` too, one that is not older than the cursor.
 * `gateway` is the id it will acknowledge with.
 */
export const feedQuerySchema = z.strictObject({
  cursor: z.string().max(128).optional(),
  snapshot: z.literal('full').optional(),
  gateway: gatewayIdSchema.optional(),
});
export type FeedQuery = z.infer<typeof feedQuerySchema>;

/** POST /v1/feed/acks: every worker of `gateway`, which may be a server of the SDK, has applied everything up to `cursor`. */
export const feedAckSchema = z.strictObject({
  gateway: gatewayIdSchema,
  cursor: cursorSchema,
  workers: z.int().min(0),
});
export type FeedAck = z.infer<typeof feedAckSchema>;

/** Answer of POST /v1/feed/acks. */
export const feedAckResultSchema = z.strictObject({ cursor: cursorSchema });
