import { freshestCrl } from '@countersign/pki';
import type { Clock, Store, StoredCrl, StoreReader, StoreWriter } from '../ports.ts';
import { addPartition, beginCrl, endsFrom, finishCrl, pieceOctets, piecesOf, storeCrl, toSecond } from './build.ts';
import type { CrlSigner, SignedCrl } from './build.ts';
import { signDelta } from './delta.ts';
import { issuingCrlMs } from './schedule.ts';
import { crlPath } from './scopes.ts';

/**
 * Signs the full CRL from what `reader` shows: everything that the CA has revoked, without any limit of its scope, and where the delta is
 * that goes on from it.
 */
async function buildFull(reader: StoreReader, ca: CrlSigner, number: number, clock: Clock): Promise<SignedCrl> {
  const issuer = ca.keyHash;
  const previous = await reader.crl(issuer, 'full');
  const bases = await reader.crlBases(issuer);
  // Only now: the view begins with the first question, and nothing in it may be of a later time than the CRL.
  const now = clock();
  const thisUpdate = toSecond(now);
  const head = {
    scope: 'full' as const,
    number,
    thisUpdate,
    nextUpdate: thisUpdate + issuingCrlMs,
    seq: (await reader.state()).seq,
    shown: await reader.crlChanges(issuer, 'full'),
  };
  const fullName = bases.map((base) => ({ type: 'uri', value: base + crlPath(ca.id, 'delta') }) as const);
  const builder = beginCrl(ca, head, [freshestCrl([{ name: { fullName } }])], previous?.entries ?? 0);
  const from = endsFrom(previous, now);
  for (let partition = 0; partition < ca.partitions; partition++) {
    await addPartition(builder, reader, issuer, partition, from);
  }
  return finishCrl(ca, head, builder);
}

/** Pieces of old lists that one write removes. */
const droppedAtOnce = 8;

/** Signs a full CRL that is short, and its delta, within one transaction. */
export async function signShortFull(tx: StoreWriter, ca: CrlSigner, clock: Clock): Promise<SignedCrl> {
  const number = await tx.nextCrlNumber(ca.keyHash, 'full');
  const now = clock();
  const signed = await storeCrl(tx, await buildFull(tx, ca, number, () => now));
  await signDelta(tx, ca, now, number);
  return signed;
}

/**
 * Signs a full CRL that may be long while everything else goes on: it is read from one view of the store and stored piece by piece, and
 * nobody sees it before all of it is there. The delta is signed in the same moment again: it is never behind the full CRL, also where one
 * was signed meanwhile. A number taken before is less than those of all deltas signed since. Undefined where a newer one is in force.
 *
 * @param octets how long a piece is at most
 */
export async function signFull(
  store: Store,
  ca: CrlSigner,
  clock: Clock,
  octets: number = pieceOctets,
): Promise<StoredCrl | undefined> {
  const number = await store.write((tx) => tx.nextCrlNumber(ca.keyHash, 'full'));
  const { crl, der } = await store.view((reader) => buildFull(reader, ca, number, clock));
  for (const [i, piece] of piecesOf(der, octets).entries()) {
    await store.write((tx) => tx.addCrlPiece(ca.keyHash, 'full', number, i, piece));
  }
  const inForce = await store.write(async (tx) => {
    const saved = await tx.saveCrl(crl);
    if (saved) await signDelta(tx, ca, clock());
    return saved;
  });
  while ((await store.write((tx) => tx.dropCrlPieces(ca.keyHash, 'full', droppedAtOnce))) > 0);
  return inForce ? crl : undefined;
}
