import { parseCertificate } from '@countersign/pki';
import type { AuditActor, RevocationReason } from '@countersign/protocol';
import { recordAudit } from './audit.ts';
import { blockNames } from './blocks.ts';
import { refuse } from './outcome.ts';
import type { Outcome, Refused } from './outcome.ts';
import type { Store, StoredCertificate, StoreReader, StoreWriter } from './ports.ts';

/** Which certificates are meant. */
export type RevocationTarget =
  | { readonly by: 'name'; readonly name: string }
  | { readonly by: 'serial'; readonly serial: string }
  | { readonly by: 'certificate'; readonly serial: string; readonly der: Uint8Array };

/** A part of a CRL that has to be signed anew. */
export interface TouchedCrl {
  readonly issuer: string;
  readonly partition: number;
}

export interface Revoked {
  readonly revoked: readonly StoredCertificate[];
  readonly alreadyRevoked: readonly StoredCertificate[];
  /** Open tokens that were closed. */
  readonly tokens: number;
  readonly crls: readonly TouchedCrl[];
  /** The last event of the feed that this made. */
  readonly seq: number;
}

export interface Released {
  readonly released: readonly StoredCertificate[];
  readonly crls: readonly TouchedCrl[];
  readonly seq: number;
}

const hold = 'certificateHold';

function unknown(target: RevocationTarget): Refused {
  if (target.by === 'name')
    return refuse('unknown_certificate', `no certificate and no token of ${JSON.stringify(target.name)} is known`);
  const what = target.by === 'serial' ? `no certificate with serial ${target.serial}` : 'that certificate is not one';
  return refuse('unknown_certificate', `${what} of this authority`);
}

/** The CA whose own certificate is meant. */
async function caOfTarget(tx: StoreReader, target: RevocationTarget): Promise<string | undefined> {
  if (target.by === 'name') return undefined;
  const meant = (await tx.cas()).find(({ der }) =>
    target.by === 'certificate'
      ? Buffer.from(der).equals(target.der)
      : parseCertificate(der).serialHex === target.serial,
  );
  return meant?.id;
}

function isCa(id: string): string {
  if (id === 'root') return 'that is the root: it cannot be revoked, take it out of every bundle instead';
  return `that is ${id}, a CA, which only the root can revoke: countersign root crl --revoke ${id}`;
}

/** The certificates that a target means: undefined where it means nothing that was ever known. */
async function findTarget(
  tx: StoreReader,
  target: RevocationTarget,
  now: number,
): Promise<StoredCertificate[] | undefined> {
  if (target.by === 'name') {
    return (await tx.nameIsKnown(target.name)) ? tx.certificatesByName(target.name, now) : undefined;
  }
  const found = await tx.certificatesBySerial(target.serial);
  const meant = target.by === 'serial' ? found : found.filter((one) => Buffer.from(one.der).equals(target.der));
  return meant.length === 0 ? undefined : meant;
}

function touchedCrls(certificates: readonly StoredCertificate[]): TouchedCrl[] {
  const parts = certificates.map(({ issuer, partition }) => [`${issuer}/${partition}`, { issuer, partition }] as const);
  return [...new Map(parts).values()];
}

async function tell(
  tx: StoreWriter,
  type: 'revoked' | 'released',
  certificate: StoredCertificate,
  now: number,
  replaces?: RevocationReason,
): Promise<number> {
  const { issuer, serial, notAfter, revocation } = certificate;
  if (revocation === undefined) throw new Error('a certificate that is not revoked has nothing to tell');
  await tx.countCrlChange(issuer, certificate.partition);
  await tx.countCrlChange(issuer, 'full');
  const told = { issuer, serial, notAfter, ...revocation };
  return tx.addChange(type === 'revoked' ? { type, ...told, replaces } : { type, ...told }, now);
}

/**
 * Revokes what `target` means, and with a name its open tokens. What is revoked already stays as it is, save that a hold can become
 * final. Some reasons block the names too: see `blockNames`. `invalidityDate` says since when the key is suspected. Refuses with `unknown_certificate`, `forbidden` for a CA's own certificate
 * and `bad_request` for an invalidity date in the future.
 */
export function revoke(
  store: Store,
  now: number,
  target: RevocationTarget,
  reason: RevocationReason,
  actor: AuditActor,
  { invalidityDate }: { readonly invalidityDate?: number | undefined } = {},
): Promise<Outcome<Revoked>> {
  if (invalidityDate !== undefined && invalidityDate > now) {
    return Promise.resolve(refuse('bad_request', 'invalidityDate: it is in the future'));
  }
  return store.write(async (tx) => {
    const ca = await caOfTarget(tx, target);
    if (ca !== undefined) return refuse('forbidden', isCa(ca));
    const meant = await findTarget(tx, target, now);
    if (meant === undefined) return unknown(target);
    const revoked: StoredCertificate[] = [];
    const alreadyRevoked: StoredCertificate[] = [];
    let { seq } = await tx.state();
    for (const certificate of meant) {
      const before = certificate.revocation?.reason;
      if (before !== undefined && (before !== hold || reason === hold)) {
        alreadyRevoked.push(certificate);
        continue;
      }
      const revocation = { reason, revokedAt: now, ...(invalidityDate === undefined ? {} : { invalidityDate }) };
      const after = { ...certificate, revocation };
      await tx.revokeCertificate(certificate.id, revocation);
      await blockNames(tx, certificate, reason, now);
      seq = await tell(tx, 'revoked', after, now, before);
      const { serial, name, issuer } = certificate;
      await recordAudit(tx, now, 'certificate.revoked', actor, { serial, name, issuer, reason });
      revoked.push(after);
    }
    const tokens = target.by === 'name' ? await tx.revokeTokens(target.name, now) : 0;
    if (target.by === 'name' && tokens > 0) {
      await recordAudit(tx, now, 'token.revoked', actor, { name: target.name, count: tokens });
    }
    return { ok: true, revoked, alreadyRevoked, tokens, crls: touchedCrls(revoked), seq };
  });
}

/** Ends the hold of what `target` means. Refuses with `unknown_certificate`, or `not_held` where nothing of it is on hold. */
export function release(
  store: Store,
  now: number,
  target: RevocationTarget,
  actor: AuditActor,
): Promise<Outcome<Released>> {
  return store.write(async (tx) => {
    const meant = await findTarget(tx, target, now);
    if (meant === undefined) return unknown(target);
    const held = meant.filter((one) => one.revocation?.reason === hold);
    if (held.length === 0) {
      const final = meant.some((one) => one.revocation !== undefined);
      return refuse('not_held', final ? 'it is revoked for good: only a hold can be released' : 'it is not on hold');
    }
    let seq = 0;
    for (const certificate of held) {
      await tx.releaseCertificate(certificate.id);
      seq = await tell(tx, 'released', certificate, now);
      const { serial, name, issuer } = certificate;
      await recordAudit(tx, now, 'certificate.released', actor, { serial, name, issuer });
    }
    return { ok: true, released: held, crls: touchedCrls(held), seq };
  });
}
