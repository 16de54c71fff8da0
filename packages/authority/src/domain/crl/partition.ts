import { issuingDistributionPoint } from '@countersign/pki';
import type { StoreWriter } from '../ports.ts';
import { addPartition, beginCrl, endsFrom, finishCrl, storeCrl, toSecond } from './build.ts';
import type { CrlSigner, SignedCrl } from './build.ts';
import { issuingCrlMs } from './schedule.ts';
import { crlPath } from './scopes.ts';

/**
 * Signs the CRL of one partition as of now and puts it in force. Its issuingDistributionPoint has every URL under which any certificate
 * names it and no other limit (RFC 5280, section 5.2.5), so it covers exactly the certificates that name it.
 */
export async function signPartition(
  tx: StoreWriter,
  ca: CrlSigner,
  partition: number,
  now: number,
): Promise<SignedCrl> {
  const issuer = ca.keyHash;
  const previous = await tx.crl(issuer, partition);
  const bases = await tx.crlBases(issuer);
  const thisUpdate = toSecond(now);
  const head = {
    scope: partition,
    number: await tx.nextCrlNumber(issuer, partition),
    thisUpdate,
    nextUpdate: thisUpdate + issuingCrlMs,
    seq: (await tx.state()).seq,
    shown: await tx.crlChanges(issuer, partition),
  };
  const fullName = bases.map((base) => ({ type: 'uri', value: base + crlPath(ca.id, partition) }) as const);
  const scope = issuingDistributionPoint({ name: { fullName } });
  const builder = beginCrl(ca, head, [scope], previous?.entries ?? 0);
  await addPartition(builder, tx, issuer, partition, endsFrom(previous, now));
  return storeCrl(tx, await finishCrl(ca, head, builder));
}
