import { deltaCrlIndicator } from '@countersign/pki';
import type { CrlBase, RevocationChange, StoreReader, StoreWriter } from '../ports.ts';
import { beginCrl, crlEntry, finishCrl, storeCrl, toSecond } from './build.ts';
import type { CrlSigner, SignedCrl } from './build.ts';
import { issuingCrlMs } from './schedule.ts';

/** How old a full CRL may be whose holders can still use the delta, and how much it may tell them. */
const baseMs = 6 * 3_600_000;
const entriesLimit = 10_000;
const pageSize = 1000;

/**
 * Signs the delta CRL as of now (RFC 5280, section 5.2.4): what has changed since a full CRL of up to six hours ago, so that whoever has
 * one made since then needs nothing else. What is held no more is in it with removeFromCRL. The number is of the full CRL's sequence.
 *
 * @param sameAs the number of the full CRL that is signed in the same moment and tells the same: both have one number
 */
export async function signDelta(
  tx: StoreWriter,
  ca: CrlSigner,
  now: number,
  sameAs?: number,
): Promise<SignedCrl | undefined> {
  const issuer = ca.keyHash;
  const full = await tx.crl(issuer, 'full');
  if (full === undefined) return undefined;
  const { seq, crlNumbersFrom } = await tx.state();
  const newest: CrlBase = { number: full.number, seq: full.seq, at: full.thisUpdate };
  let base = (await tx.crl(issuer, 'delta'))?.base ?? newest;
  if (base.number <= crlNumbersFrom || now - base.at > baseMs || base.at > now) base = newest;
  let changes = await lastChanges(tx, issuer, base.seq, entriesLimit);
  if (changes === undefined) {
    base = newest;
    changes = (await lastChanges(tx, issuer, base.seq, Number.POSITIVE_INFINITY)) ?? new Map();
  }
  const [next] = await tx.changesAfter(base.seq, 1);
  // What lies that far back is forgotten: the next full CRL begins anew.
  if (next !== undefined && next.seq !== base.seq + 1) return undefined;
  const thisUpdate = toSecond(now);
  const head = {
    scope: 'delta' as const,
    number: sameAs ?? (await tx.nextCrlNumber(issuer, 'full')),
    thisUpdate,
    nextUpdate: thisUpdate + issuingCrlMs,
    seq,
    shown: await tx.crlChanges(issuer, 'full'),
    base,
  };
  const builder = beginCrl(ca, head, [deltaCrlIndicator(base.number)], changes.size);
  for (const change of changes.values()) {
    builder.add(change.type === 'revoked' ? crlEntry(change) : { ...crlEntry(change), reason: 'removeFromCRL' });
  }
  return storeCrl(tx, await finishCrl(ca, head, builder));
}

/** The last change of each certificate after an event; undefined where there are more than `limit`. */
async function lastChanges(
  reader: StoreReader,
  issuer: string,
  seq: number,
  limit: number,
): Promise<Map<string, RevocationChange> | undefined> {
  const changes = new Map<string, RevocationChange>();
  for (let after = seq; ;) {
    const page = await reader.revocationChanges(issuer, after, pageSize);
    for (const change of page) changes.set(change.serial, change);
    if (changes.size > limit) return undefined;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return changes;
    after = last.seq;
  }
}
