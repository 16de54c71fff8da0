import { authorityKeyId, CrlBuilder, crlNumber } from '@countersign/pki';
import type { CrlEntryTemplate, Extension, Signer } from '@countersign/pki';
import { keyIdentifier } from '../ca.ts';
import type { Ca } from '../ca.ts';
import type { StoredCrl, StoredRevocation, StoreReader, StoreWriter } from '../ports.ts';
import { keepExpiredMs } from './schedule.ts';

/** A CA that can sign. */
export type CrlSigner = Ca & { readonly signer: Signer };

/** What a new CRL is, before it is signed. */
export type CrlHead = Pick<StoredCrl, 'scope' | 'number' | 'thisUpdate' | 'nextUpdate' | 'seq' | 'shown' | 'base'>;

/** A CRL that was signed, and its octets. */
export interface SignedCrl {
  readonly crl: StoredCrl;
  readonly der: Uint8Array;
}

/** How many revocations are read at once, and how long a piece of a stored CRL is: both keep everybody else waiting for a millisecond or two. */
const pageSize = 1000;
export const pieceOctets: number = 256 << 10;

/** A CRL without its entries. `expected` is about how many there will be. */
export function beginCrl(ca: CrlSigner, head: CrlHead, extensions: readonly Extension[], expected: number): CrlBuilder {
  const { subject, subjectKeyId, spki } = ca.certificate;
  const { thisUpdate, nextUpdate, number } = head;
  const own = [authorityKeyId(subjectKeyId ?? keyIdentifier(spki.bits)), crlNumber(number)];
  // A little more than last time.
  return new CrlBuilder(
    { issuer: subject, thisUpdate, nextUpdate, extensions: [...own, ...extensions] },
    ca.signer.scheme,
    Math.ceil(expected * 1.05) + 64,
  );
}

/** A revocation as an entry. */
export function crlEntry({ serial, revokedAt, reason, invalidityDate }: StoredRevocation): CrlEntryTemplate {
  return { serialNumber: serial, revocationDate: revokedAt, reason, invalidityDate };
}

/** Adds what is revoked in a partition, page by page. */
export async function addPartition(
  builder: CrlBuilder,
  reader: StoreReader,
  issuer: string,
  partition: number,
  endsFrom: number,
): Promise<void> {
  for (let after = ''; ;) {
    const page = await reader.revocationsOf(issuer, partition, endsFrom, after, pageSize);
    for (const revocation of page) builder.add(crlEntry(revocation));
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.serial;
  }
}

/** From which end on a certificate is in the next CRL: an entry stays until a CRL made after its certificate's end has shown it. */
export function endsFrom(previous: StoredCrl | undefined, now: number): number {
  return Math.min(previous?.thisUpdate ?? now, now - keepExpiredMs);
}

/** Signs a CRL that has all its entries. */
export async function finishCrl(ca: CrlSigner, head: CrlHead, builder: CrlBuilder): Promise<SignedCrl> {
  const der = await builder.sign(ca.signer);
  return { der, crl: { ...head, issuer: ca.keyHash, entries: builder.entryCount, bytes: der.length } };
}

/** The pieces that a CRL is stored in. */
export function piecesOf(der: Uint8Array, octets: number = pieceOctets): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < der.length; at += octets) pieces.push(der.subarray(at, at + octets));
  return pieces;
}

/** Stores a short CRL whole and puts it in force. */
export async function storeCrl(tx: StoreWriter, signed: SignedCrl): Promise<SignedCrl> {
  const { crl, der } = signed;
  for (const [i, piece] of piecesOf(der).entries()) await tx.addCrlPiece(crl.issuer, crl.scope, crl.number, i, piece);
  await tx.saveCrl(crl);
  return signed;
}

/** Whole seconds: what a CRL can tell. */
export function toSecond(now: number): number {
  return Math.floor(now / 1000) * 1000;
}
