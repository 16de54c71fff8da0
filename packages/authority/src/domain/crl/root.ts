import { parseCertificate } from '@countersign/pki';
import type { StoredCa, StoredRevocation, StoreReader, StoreWriter } from '../ports.ts';
import { beginCrl, crlEntry, endsFrom, finishCrl, storeCrl, toSecond } from './build.ts';
import type { CrlSigner, SignedCrl } from './build.ts';
import { rootNextUpdate } from './schedule.ts';

/** The issuing CAs that were revoked, as certificates of the root. */
export async function revokedCas(reader: StoreReader): Promise<StoredRevocation[]> {
  const cas = await reader.cas();
  const root = cas.find(({ id }) => id === 'root');
  return root === undefined ? [] : cas.flatMap((ca) => revocationOfCa(ca, root.keyHash) ?? []);
}

/** The revocation of an issuing CA as one of the root's certificates. */
export function revocationOfCa({ der, revocation }: StoredCa, rootKeyHash: string): StoredRevocation | undefined {
  if (revocation === undefined) return undefined;
  const { serialHex: serial, notAfter } = parseCertificate(der);
  return { issuer: rootKeyHash, serial, notAfter, ...revocation };
}

/** Signs the root's CRL, 13 months from now, and puts it in force: the issuing CAs that were revoked. It is one list without any limit. */
export async function signRootCrl(tx: StoreWriter, root: CrlSigner, now: number): Promise<SignedCrl> {
  const previous = await tx.crl(root.keyHash, 'full');
  const thisUpdate = toSecond(now);
  const head = {
    scope: 'full' as const,
    number: await tx.nextCrlNumber(root.keyHash, 'full'),
    thisUpdate,
    nextUpdate: rootNextUpdate(thisUpdate),
    seq: (await tx.state()).seq,
    shown: 0,
  };
  const from = endsFrom(previous, now);
  const revoked = (await revokedCas(tx)).filter(({ notAfter }) => notAfter >= from);
  const builder = beginCrl(root, head, [], revoked.length);
  for (const revocation of revoked) builder.add(crlEntry(revocation));
  return storeCrl(tx, await finishCrl(root, head, builder));
}
