import { createHash } from 'node:crypto';

import { buildAndValidate } from '@countersign/pki';
import type { Certificate, Crypto, TrustAnchor } from '@countersign/pki';

import { verifyJws } from '../jws/compact.ts';
import type { FeedSnapshot } from './feed-event.ts';

/** The `typ` of a snapshot's JWS. */
export const SNAPSHOT_TYP = 'countersign-snapshot';

/** What a snapshot's signature covers: the head, each revocation in its order, their number and the bundle; one line of JSON each. */
export function* snapshotLines(
  snapshot: Pick<FeedSnapshot, 'epoch' | 'seq' | 'issuedAt' | 'revocations' | 'bundle'>,
): Generator<string> {
  const { epoch, seq, issuedAt, revocations, bundle } = snapshot;
  yield `${JSON.stringify([SNAPSHOT_TYP, epoch, seq, issuedAt])}\n`;
  for (const { issuer, serial, reason, revokedAt, notAfter, hold } of revocations) {
    yield `${JSON.stringify([issuer, serial, reason, revokedAt, notAfter, hold === true])}\n`;
  }
  yield `${JSON.stringify([revocations.length, bundle.generation, bundle.anchors, bundle.intermediates])}\n`;
}

/** SHA-256 over {@link snapshotLines} as lower-case hex. */
export function snapshotDigest(snapshot: Parameters<typeof snapshotLines>[0]): string {
  const hash = createHash('sha256');
  let pending = '';
  for (const line of snapshotLines(snapshot)) {
    pending += line;
    if (pending.length < 65_536) continue;
    hash.update(pending);
    pending = '';
  }
  return hash.update(pending).digest('hex');
}

export type SnapshotVerdict =
  | { readonly ok: true; readonly signer: Certificate; readonly issuer: Certificate | undefined }
  | { readonly ok: false; readonly detail: string };

/**
 * Whether a snapshot was signed by an issuing CA of the authority: a CA certificate with a path to one of `anchors`, whose
 * key signed exactly these revocations and this bundle. No leaf can sign one, whatever its profile.
 *
 * @param time milliseconds since the epoch at which the signer must be valid.
 */
export function verifySnapshot(
  snapshot: FeedSnapshot,
  { anchors, crypto, time }: { anchors: readonly TrustAnchor[]; crypto: Crypto; time: number },
): SnapshotVerdict {
  const jws = verifyJws(snapshot.signature, SNAPSHOT_TYP);
  if (jws === undefined) return { ok: false, detail: 'the signature of the snapshot does not verify' };
  const { epoch, seq, issuedAt, sha256 } = jws.payload;
  const same = epoch === snapshot.epoch && seq === snapshot.seq && issuedAt === snapshot.issuedAt;
  if (!same || sha256 !== snapshotDigest(snapshot)) {
    return { ok: false, detail: 'the signature is over another snapshot' };
  }
  const [signer, ...intermediates] = jws.chain;
  if (signer.basicConstraints?.ca !== true) return { ok: false, detail: 'the signer of the snapshot is not a CA' };
  const result = buildAndValidate(signer, { anchors, intermediates, time, purpose: 'any', crypto });
  if (!result.ok) return { ok: false, detail: `the signer of the snapshot is not trusted: ${result.detail}` };
  return { ok: true, signer, issuer: result.path[1] };
}
