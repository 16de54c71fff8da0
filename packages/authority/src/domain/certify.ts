import { assembleSigned, buildTbs } from '@countersign/pki';
import type { Certificate, CertificateTemplate } from '@countersign/pki';
import type { AuditAction, AuditActor, RecordedProfile } from '@countersign/protocol';
import { recordAudit } from './audit.ts';
import { blockedNames } from './blocks.ts';
import { keyHashOf, sha256Hex } from './ca.ts';
import type { SigningCa } from './ca.ts';
import { namesOfCertificate } from './certificate-names.ts';
import { describeNames, namesNotProven, sansOf } from './names.ts';
import type { NameSet } from './names.ts';
import { refuse } from './outcome.ts';
import type { Outcome, Refused } from './outcome.ts';
import type { NewCertificate, Store, StoreWriter } from './ports.ts';
import type { Threads } from './threads.ts';
import { faultsOf, signTwin } from './twin.ts';

/** What is to be certified, and for whom. Times are milliseconds since the epoch. */
export interface Certification {
  readonly issuer: SigningCa;
  readonly template: CertificateTemplate;
  readonly profile: RecordedProfile;
  readonly name: string;
  readonly proven: NameSet;
  /** What a renewal gets again. */
  readonly lifetimeSeconds: number;
  readonly partition: number;
  /** Its key usage says that something can be encrypted to it. */
  readonly receivesKeys?: boolean | undefined;
  readonly issuedAt: number;
  readonly actor: AuditActor;
  readonly action: AuditAction & ('certificate.issued' | 'certificate.renewed');
  /** The door's own condition, in the transaction that stores the certificate. A refusal stores nothing. */
  readonly admit?:
    | ((tx: StoreWriter, serial: string, now: number, certificate: NewCertificate) => Promise<Outcome<object>>)
    | undefined;
}

/**
 * Signs a certificate and stores it: the one place where a CA's key is touched for a leaf. Whatever its octets say is held against the
 * proven names, after a twin of it was signed with a throw-away key; the certificate and its audit record are stored in one transaction.
 */
export async function certify(
  context: { readonly store: Store; readonly threads?: Threads | undefined },
  certification: Certification,
): Promise<Outcome<{ record: NewCertificate }>> {
  const { issuer, template, name, profile, lifetimeSeconds, issuedAt, partition } = certification;
  const tbs = buildTbs(template, issuer.signer.scheme);
  const twin = await inspectTwin(tbs, certification);
  if (!twin.ok) return twin;
  const signer = (context.threads?.pay === true ? issuer.threadedSigner : undefined) ?? issuer.signer;
  const der = assembleSigned(tbs, signer.scheme, await signer.sign(tbs));

  // The same octets were signed: what the twin says is what the certificate says.
  const { certificate } = twin;
  const record: NewCertificate = {
    issuer: issuer.keyHash,
    serial: certificate.serialHex,
    name,
    profile,
    sans: sansOf(twin.names),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    lifetimeSeconds,
    issuedAt,
    spkiSha256: keyHashOf(certificate.spki.der),
    fingerprintSha256: sha256Hex(der),
    partition,
    der,
  };
  const stored = await keep(context.store, certification, record);
  return stored.ok ? { ok: true, record } : stored;
}

/** Why a key that was revoked once gets no certificate again. */
function revokedKey(): Refused {
  return refuse('key_revoked', 'a certificate with this key was revoked: make a new key');
}

/** Looks at what is about to be signed. This is the one place where the names of a certificate are held against the proven ones. */
async function inspectTwin(
  tbs: Uint8Array,
  { issuer, profile, proven, receivesKeys }: Certification,
): Promise<Outcome<{ names: NameSet; certificate: Certificate }>> {
  const twin = await signTwin(tbs, issuer);
  const names = namesOfCertificate(twin);
  if ('malformed' in names) return refuse('lint_failed', names.malformed);
  const unproven = namesNotProven(names, proven);
  if (unproven.length > 0) return refuse('name_not_proven', `nobody has proven ${describeNames(unproven)}`);
  const faults = faultsOf(twin, profile, issuer.certificate, receivesKeys);
  return faults.length === 0 ? { ok: true, names, certificate: twin } : refuse('lint_failed', faults.join('; '));
}

function keep(
  store: Store,
  { action, actor, admit, issuedAt }: Certification,
  record: NewCertificate,
): Promise<Outcome<object>> {
  const { serial, name, profile, issuer, fingerprintSha256 } = record;
  const notAfter = new Date(record.notAfter).toISOString();
  const sans = record.sans.map(({ type, value }) => `${type}:${value}`);
  return store.write(async (tx) => {
    if (await tx.keyIsRevoked(record.spkiSha256)) return revokedKey();
    const blocked = await blockedNames(tx, record, actor.kind);
    if (blocked !== undefined) return blocked;
    const admitted = (await admit?.(tx, serial, issuedAt, record)) ?? { ok: true as const };
    if (!admitted.ok) return admitted;
    await tx.addCertificate(record);
    const details = { serial, name, profile, sans, issuer, notAfter, fingerprintSha256 };
    await recordAudit(tx, issuedAt, action, actor, details);
    return { ok: true };
  });
}
