import { pemEncode } from '@countersign/pki';
import type { Crypto, SubjectPublicKeyInfo } from '@countersign/pki';
import type { IssuedCertificate, ProfileName, San } from '@countersign/protocol';
import type { AcmePolicy } from './acme/context.ts';
import type { Granted } from './approval/answer.ts';
import { holdRequest } from './approval/hold.ts';
import type { Hold } from './approval/hold.ts';
import { needsApproval, ruleOf } from './approval/rules.ts';
import type { ProfileRule, ProfileRules } from './approval/rules.ts';
import { currentIssuer, issuersOf, keyHashOf } from './ca.ts';
import type { CaSet, SigningCa } from './ca.ts';
import { readRequest } from './certificate-request.ts';
import { certify } from './certify.ts';
import type { Certification } from './certify.ts';
import { partitionOf } from './crl/scopes.ts';
import { allowsKey, describeKey } from './key-rule.ts';
import { commonNameOf, describeNames, namesNotProven, sansOf } from './names.ts';
import type { NameSet } from './names.ts';
import { refuse } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Clock, NewCertificate, Random, Store } from './ports.ts';
import { namesFor, profiles } from './profiles.ts';
import type { Profile } from './profiles.ts';
import { leafTemplate } from './template.ts';
import type { Threads } from './threads.ts';
import type { PublicUrls } from './template.ts';
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
  /** Resolves when the CRLs that certificates of this CA will name are published there: of none of its certificates the CRL is missing. */
  readonly ensurePublished: (issuer: string) => Promise<void>;
  /** Where signatures are made and checked while many are issued at once; without it, all on this thread. */
  readonly threads?: Threads | undefined;
  /** What the configuration says about profiles. */
  readonly rules?: ProfileRules | undefined;
  /** The profiles whose certificates may have a key sent to them (EST's serverkeygen). */
  readonly receivesKeys?: ReadonlySet<ProfileName> | undefined;
  /** What holds for orders that have waited for an administrator. */
  readonly acmePolicy?: AcmePolicy | undefined;
}

/** What a door asks for. */
export interface IssueRequest extends ValidityRequest {
  readonly name: string;
  readonly profile: ProfileName;
  readonly sans: readonly San[];
  /** PEM of a PKCS#10 request. */
  readonly csr: string;
  /** The certificate says that it comes with an OCSP response (RFC 7633); its request may ask for that too. */
  readonly mustStaple?: boolean | undefined;
  readonly actor: Certification['actor'];
  readonly action: Certification['action'];
  /**
   * The door's own condition, in the transaction that stores the certificate: uses its token up, asks again whether what it relies on
   * still stands. A refusal stores nothing.
   */
  readonly admit?: Certification['admit'];
  /** `given` where an administrator asks, or has approved; else how the request waits where its profile wants that. */
  readonly approval: 'given' | Hold;
}

/** A request that an administrator has approved, or made. */
export type ApprovedRequest = IssueRequest & { readonly approval: 'given' };

/**
 * Issues a certificate: the one function behind every door. A door says which names it has proven; `certify` holds whatever the
 * certificate's octets say against these. Only what is stored is returned. Where the profile wants an administrator's approval the
 * request is stored instead, and comes here again when it is given.
 */
export function issue(
  context: IssuanceContext,
  proven: NameSet,
  request: ApprovedRequest,
): Promise<Outcome<{ issued: IssuedCertificate }>>;
export function issue(context: IssuanceContext, proven: NameSet, request: IssueRequest): Promise<Outcome<Granted>>;
export function issue(context: IssuanceContext, proven: NameSet, request: IssueRequest): Promise<Outcome<Granted>> {
  const { threads } = context;
  return threads === undefined
    ? issueOne(context, proven, request)
    : threads.count(() => issueOne(context, proven, request));
}

async function issueOne(context: IssuanceContext, proven: NameSet, request: IssueRequest): Promise<Outcome<Granted>> {
  const now = context.clock();
  const profile = profiles[request.profile];
  const named = namesFor(profile, request.name, request.sans);
  if (!named.ok) return named;
  const key = await readKey(context, profile, request.csr, named.names);
  if (!key.ok) return key;
  const mustStaple = key.mustStaple || request.mustStaple === true;
  if (mustStaple && !profile.mayMustStaple) {
    return refuse('profile_forbids', `profile ${profile.name} is no server's, which could staple an OCSP response`);
  }
  const issuer = currentIssuer(context.cas(), now);
  if (issuer === undefined)
    return refuse(
      'issuer_unavailable',
      'every issuing CA has expired or was revoked: make the next with init --renew-issuing',
    );
  const validity = decideValidity(now, profile.lifetimeSeconds, request, issuer.certificate.notAfter);
  if (!validity.ok) return validity;

  const { names } = named;
  const name = commonNameOf(names);
  const { spki } = key;
  const { approval } = request;
  const rule = ruleOf(context.rules, profile.name);
  if (approval !== 'given' && waits(approval, rule)) {
    const wish = { ...askedFor(request), name, sans: sansOf(names), names, proven, mustStaple };
    return holdRequest(context, { ...wish, spkiSha256: keyHashOf(spki.der) }, approval, rule.approvalSeconds);
  }

  await context.ensurePublished(issuer.keyHash);
  const serialNumber = context.random(16);
  const partition = partitionOf(serialNumber, issuer.partitions);
  const { notBefore, notAfter, lifetimeSeconds } = validity;
  const receivesKeys = context.receivesKeys?.has(profile.name) === true;
  const leaf = { profile, name, names, spki, serialNumber, notBefore, notAfter, partition };
  const contents = { ...leaf, mustStaple, receivesKeys };
  const { actor, action, admit } = request;
  const certified = await certify(context, {
    issuer,
    template: leafTemplate(contents, issuer, context.urls),
    profile: profile.name,
    name,
    proven,
    lifetimeSeconds,
    partition,
    receivesKeys,
    issuedAt: now,
    actor,
    action,
    admit,
  });
  return certified.ok
    ? { ok: true, issued: answer(context.cas(), issuer, certified.record, profile, validity) }
    : certified;
}

/** Whether a request waits for an administrator, or can only have waited. */
function waits({ bound, tooLate, isRenewal }: Hold, rule: ProfileRule): boolean {
  return bound === true || tooLate !== undefined || needsApproval(rule, isRenewal === true);
}

/** What of a request is kept while it waits. */
function askedFor(request: IssueRequest) {
  const { profile, csr, notBefore, notAfter, lifetimeSeconds, actor, action } = request;
  return { profile, csr, notBefore, notAfter, lifetimeSeconds, actor, action };
}

/** The key of a request that proves its possession and asks for nothing beyond `names`. */
async function readKey(
  context: IssuanceContext,
  profile: Profile,
  pem: string,
  names: NameSet,
): Promise<Outcome<{ spki: SubjectPublicKeyInfo; mustStaple: boolean }>> {
  const { threads } = context;
  const csr = await readRequest(pem, context.crypto, threads?.pay === true ? threads.verifier : undefined);
  if (!csr.ok) return csr;
  const { spki, mustStaple } = csr;
  if (!allowsKey(profile.keys, spki.key)) {
    return refuse('key_not_allowed', `profile ${profile.name} takes no ${describeKey(spki.key)} key`);
  }
  const extra = namesNotProven(csr.names, names);
  if (extra.length > 0) {
    return refuse('name_not_proven', `the certificate request asks for ${describeNames(extra)}, which is not granted`);
  }
  const keyHash = keyHashOf(spki.der);
  const cas = context.cas();
  if ([cas.root, ...issuersOf(cas)].some((ca) => ca.keyHash === keyHash)) {
    return refuse('key_not_allowed', "this is a CA's own key");
  }
  // Whether it was revoked is asked where it counts, in the transaction that stores the certificate.
  return { ok: true, spki, mustStaple };
}

function answer(
  cas: CaSet,
  issuer: SigningCa,
  record: NewCertificate,
  profile: Profile,
  validity: Validity,
): IssuedCertificate {
  return {
    certificate: pemEncode('CERTIFICATE', record.der) + issuer.pem,
    ca: cas.root.pem,
    serial: record.serial,
    name: record.name,
    profile: profile.name,
    notBefore: new Date(record.notBefore).toISOString(),
    notAfter: new Date(record.notAfter).toISOString(),
    ...(validity.shortened === undefined ? {} : { shortened: validity.shortened }),
  };
}
