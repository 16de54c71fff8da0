import { assembleSigned, buildTbs, parseCertificate, pemEncode } from '@countersign/pki';
import type { Crypto, SubjectPublicKeyInfo } from '@countersign/pki';
import type { AuditAction, AuditActor, IssuedCertificate, ProfileName, San } from '@countersign/protocol';
import { recordAudit } from './audit.ts';
import { currentIssuer, keyHashOf, sha256Hex } from './ca.ts';
import type { CaSet, SigningCa } from './ca.ts';
import { namesOfCertificate } from './certificate-names.ts';
import { readRequest } from './certificate-request.ts';
import { allowsKey, describeKey } from './key-rule.ts';
import { commonNameOf, describeNames, namesNotProven, sansOf } from './names.ts';
import type { NameSet } from './names.ts';
import { refuse } from './outcome.ts';
import type { Outcome, Refused } from './outcome.ts';
import type { Clock, NewCertificate, Random, Store, StoreWriter } from './ports.ts';
import { namesFor, profiles } from './profiles.ts';
import type { Profile } from './profiles.ts';
import { leafTemplate } from './template.ts';
import type { PublicUrls } from './template.ts';
import { faultsOf, signTwin } from './twin.ts';
import { decideValidity } from './validity.ts';
import type { Validity, ValidityRequest } from './validity.ts';

/** What issuance needs. */
export interface IssuanceContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly cas: () => CaSet;
  readonly urls: PublicUrls;
}

/** What a door asks for. */
export interface IssueRequest extends ValidityRequest {
  readonly name: string;
  readonly profile: ProfileName;
  readonly sans: readonly San[];
  /** PEM of a PKCS#10 request. */
  readonly csr: string;
  readonly actor: AuditActor;
  readonly action: AuditAction & ('certificate.issued' | 'certificate.renewed');
  /**
   * The door's own condition, in the transaction that stores the certificate: uses its token up, asks again whether what it relies on
   * still stands. A refusal stores nothing.
   */
  readonly admit?: (tx: StoreWriter, serial: string, now: number) => Promise<Outcome<object>>;
}

/** One partition to begin with; every certificate names its own. */
const partition = 0;

/**
 * Issues a certificate: the one function behind every door. A door says which names it has proven; whatever the certificate's octets
 * say is held against these, after a twin of it was signed with a throw-away key and before the real key is touched. The certificate
 * and its audit record are stored in one transaction, and only what is stored is returned.
 */
export async function issue(
  context: IssuanceContext,
  proven: NameSet,
  request: IssueRequest,
): Promise<Outcome<{ issued: IssuedCertificate }>> {
  const now = context.clock();
  const profile = profiles[request.profile];
  const named = namesFor(profile, request.name, request.sans);
  if (!named.ok) return named;
  const key = await readKey(context, profile, request.csr, named.names);
  if (!key.ok) return key;
  const issuer = currentIssuer(context.cas(), now);
  if (issuer === undefined)
    return refuse('issuer_unavailable', 'every issuing CA has expired: make the next with init --renew-issuing');
  const validity = decideValidity(now, profile.lifetimeSeconds, request, issuer.certificate.notAfter);
  if (!validity.ok) return validity;

  const serialNumber = context.random(16);
  const contents = {
    profile,
    name: commonNameOf(named.names),
    names: named.names,
    spki: key.spki,
    serialNumber,
    partition,
  };
  const template = leafTemplate(
    { ...contents, notBefore: validity.notBefore, notAfter: validity.notAfter },
    issuer,
    context.urls,
  );
  const tbs = buildTbs(template, issuer.signer.scheme);
  const wrong = await inspectTwin(tbs, issuer, profile, proven);
  if (wrong !== undefined) return wrong;
  const der = assembleSigned(tbs, issuer.signer.scheme, await issuer.signer.sign(tbs));

  const certificate = parseCertificate(der);
  const record: NewCertificate = {
    issuer: issuer.keyHash,
    serial: certificate.serialHex,
    name: contents.name,
    profile: profile.name,
    sans: sansOf(named.names),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    lifetimeSeconds: validity.lifetimeSeconds,
    issuedAt: now,
    spkiSha256: keyHashOf(key.spki.der),
    fingerprintSha256: sha256Hex(der),
    partition,
    der,
  };
  const stored = await store(context, request, record, now);
  return stored.ok ? { ok: true, issued: answer(context.cas(), issuer, record, validity) } : stored;
}

/** The key of a request that proves its possession and asks for nothing beyond `names`. */
async function readKey(
  context: IssuanceContext,
  profile: Profile,
  pem: string,
  names: NameSet,
): Promise<Outcome<{ spki: SubjectPublicKeyInfo }>> {
  const csr = readRequest(pem, context.crypto);
  if (!csr.ok) return csr;
  const { spki } = csr;
  if (!allowsKey(profile.keys, spki.key)) {
    return refuse('key_not_allowed', `profile ${profile.name} takes no ${describeKey(spki.key)} key`);
  }
  const extra = namesNotProven(csr.names, names);
  if (extra.length > 0) {
    return refuse('name_not_proven', `the certificate request asks for ${describeNames(extra)}, which is not granted`);
  }
  const keyHash = keyHashOf(spki.der);
  const { root, issuing } = context.cas();
  if ([root, ...issuing].some((ca) => ca.keyHash === keyHash)) {
    return refuse('key_not_allowed', "this is a CA's own key");
  }
  return (await context.store.keyIsRevoked(keyHash)) ? revokedKey() : { ok: true, spki };
}

function revokedKey(): Refused {
  return refuse('key_revoked', 'a certificate with this key was revoked: make a new key');
}

/** Looks at what is about to be signed. This is the one place where the names of a certificate are held against the proven ones. */
async function inspectTwin(
  tbs: Uint8Array,
  issuer: SigningCa,
  profile: Profile,
  proven: NameSet,
): Promise<Refused | undefined> {
  const twin = await signTwin(tbs, issuer);
  const names = namesOfCertificate(twin);
  if ('malformed' in names) return refuse('lint_failed', names.malformed);
  const unproven = namesNotProven(names, proven);
  if (unproven.length > 0) return refuse('name_not_proven', `nobody has proven ${describeNames(unproven)}`);
  const faults = faultsOf(twin, profile.name, issuer.certificate);
  return faults.length === 0 ? undefined : refuse('lint_failed', faults.join('; '));
}

function store(
  context: IssuanceContext,
  request: IssueRequest,
  record: NewCertificate,
  now: number,
): Promise<Outcome<object>> {
  const { serial, name, profile, issuer, fingerprintSha256 } = record;
  const notAfter = new Date(record.notAfter).toISOString();
  const sans = record.sans.map(({ type, value }) => `${type}:${value}`);
  return context.store.write(async (tx) => {
    // Asked again: it may have been revoked since.
    if (await tx.keyIsRevoked(record.spkiSha256)) return revokedKey();
    const admitted = (await request.admit?.(tx, serial, now)) ?? { ok: true as const };
    if (!admitted.ok) return admitted;
    await tx.addCertificate(record);
    const details = { serial, name, profile, sans, issuer, notAfter, fingerprintSha256 };
    await recordAudit(tx, now, request.action, request.actor, details);
    return { ok: true };
  });
}

function answer(cas: CaSet, issuer: SigningCa, record: NewCertificate, validity: Validity): IssuedCertificate {
  return {
    certificate: pemEncode('CERTIFICATE', record.der) + issuer.pem,
    ca: cas.root.pem,
    serial: record.serial,
    name: record.name,
    profile: record.profile,
    notBefore: new Date(record.notBefore).toISOString(),
    notAfter: new Date(record.notAfter).toISOString(),
    ...(validity.shortened === undefined ? {} : { shortened: validity.shortened }),
  };
}
