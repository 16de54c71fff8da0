import { parseCertificate, pemDecode, PkiError } from '@countersign/pki';
import { normalizeSerial } from '@countersign/protocol';
import type {
  AcmeKeyCreated,
  AcmeKeyList,
  CertificateDetail,
  CertificateList,
  Convergence,
  IssuedCertificate,
} from '@countersign/protocol';
import type {
  AllowResult,
  AuditActor,
  BlockList,
  RevocationReason,
  RevocationResult,
  ReleaseResult,
} from '@countersign/protocol';
import type { SecretSeal } from './domain/acme/context.ts';
import { createEabKey, describeEabKey, removeEabKey } from './domain/acme/eab.ts';
import type { EabPolicy } from './domain/acme/records.ts';
import type { AdministratorScope } from './domain/administrators.ts';
import type { Granted } from './domain/approval/answer.ts';
import { allow, blockedIdentities } from './domain/blocks.ts';
import type { CrlPublisher } from './domain/crl/publisher.ts';
import { issueForAdmin, issueForGateway } from './domain/doors.ts';
import type { DirectRequest } from './domain/doors.ts';
import { enrollByEst } from './domain/est/enroll.ts';
import type { EstWish } from './domain/est/enroll.ts';
import { generateByEst } from './domain/est/server-keygen.ts';
import type { KeygenWish, ServerKeygen } from './domain/est/server-keygen.ts';
import type { FeedHub } from './domain/feed-hub.ts';
import type { Presigning } from './domain/ocsp/presigning.ts';
import type { Subject } from './domain/ocsp/subject.ts';
import { parseTypedName } from './domain/names.ts';
import { refuse } from './domain/outcome.ts';
import type { Outcome, Refused } from './domain/outcome.ts';
import type { After, CertificateFilter, StoredCertificate } from './domain/ports.ts';
import { certificateDetail, certificateRecord, issuerName } from './domain/records.ts';
import { renew } from './domain/renewal.ts';
import { release, revoke } from './domain/revocation.ts';
import type { RevocationTarget, TouchedCrl } from './domain/revocation.ts';
import { createToken, redeemToken } from './domain/tokens.ts';
import type { TokenContext, TokenWish } from './domain/tokens.ts';
import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';

/** How long `revoke` waits for the gateways at most. */
export const convergenceBoundMs = 1000;

export interface ServiceParts {
  readonly context: TokenContext;
  readonly secrets: SecretSeal;
  readonly hub: FeedHub;
  readonly crls: CrlPublisher;
  readonly ocsp: Pick<Presigning, 'settled'>;
  readonly metrics: Metrics;
  readonly after: After;
  readonly log: Logger;
}

/** What a client names in POST /v1/revocations and /v1/releases. */
export interface TargetInput {
  readonly name?: string | undefined;
  readonly serial?: string | undefined;
  readonly certificate?: string | undefined;
}

/** An external account key to be made. */
type AcmeKeyWish = EabPolicy & { readonly name: string; readonly ttlSeconds: number };

type Issuance = Outcome<Granted>;

/** What the authority does, whatever the transport: each door and each question, with its metrics, CRLs and feed. */
export class AuthorityService {
  readonly #parts: ServiceParts;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  async issueForAdmin(request: DirectRequest, actor: AuditActor): Promise<Issuance> {
    return this.#counted('admin', await issueForAdmin(this.#parts.context, request, actor));
  }

  async issueForGateway(request: DirectRequest, gateway: StoredCertificate): Promise<Issuance> {
    return this.#counted('gateway', await issueForGateway(this.#parts.context, request, gateway));
  }

  async enroll(token: string, csr: string): Promise<Issuance> {
    return this.#counted('token', await redeemToken(this.#parts.context, token, csr));
  }

  async renew(current: StoredCertificate, csr: string, tooLate?: Refused): Promise<Issuance> {
    return this.#counted('renewal', await renew(this.#parts.context, current, csr, { tooLate }));
  }

  async enrollByEst(wish: EstWish): Promise<Issuance> {
    return this.#counted('est', await enrollByEst(this.#parts.context, wish));
  }

  async generateByEst(
    keygen: ServerKeygen,
    wish: KeygenWish,
  ): Promise<Outcome<{ issued: IssuedCertificate; envelope: Uint8Array }>> {
    const outcome = await generateByEst(this.#parts.context, keygen, wish);
    this.#counted('est-keygen', outcome);
    return outcome;
  }

  createToken(
    wish: TokenWish,
    actor: AuditActor,
    scope?: AdministratorScope,
  ): Promise<Outcome<{ token: string; expiresAt: number }>> {
    return createToken(this.#parts.context, wish, actor, scope);
  }

  async createAcmeKey(wish: AcmeKeyWish, actor: AuditActor): Promise<Outcome<{ created: AcmeKeyCreated }>> {
    const { name, ttlSeconds, ...policy } = wish;
    const { context, secrets } = this.#parts;
    const made = await createEabKey({ ...context, secrets }, { name, policy, ttlSeconds }, actor);
    return made.ok ? { ok: true, created: { ...describeEabKey(made.key), hmacKey: made.secret } } : made;
  }

  async listAcmeKeys(): Promise<AcmeKeyList> {
    return { keys: (await this.#parts.context.store.eabKeys()).map(describeEabKey) };
  }

  removeAcmeKey(id: string, actor: AuditActor): Promise<Outcome<object>> {
    return removeEabKey(this.#parts.context, id, actor);
  }

  async listBlocked(): Promise<BlockList> {
    return { blocked: blockedIdentities(await this.#parts.context.store.blocks()) };
  }

  async allow(name: string, actor: AuditActor): Promise<Outcome<{ result: AllowResult }>> {
    const { store, clock } = this.#parts.context;
    const allowed = await allow(store, clock(), name.normalize('NFC'), actor);
    return allowed.ok ? { ok: true, result: { name, names: [...allowed.names] } } : allowed;
  }

  /** Revokes, then waits until CRL, OCSP and gateways know, for a second at most. */
  async revoke(
    input: TargetInput,
    { reason, invalidityDate }: { readonly reason: RevocationReason; readonly invalidityDate?: number | undefined },
    actor: AuditActor,
  ): Promise<Outcome<{ result: RevocationResult }>> {
    const { store, clock } = this.#parts.context;
    const target = readTarget(input);
    if (!target.ok) return target;
    const done = await revoke(store, clock(), target.target, reason, actor, { invalidityDate });
    if (!done.ok) return done;
    for (const { profile } of done.revoked) this.#parts.metrics.revoked(profile, reason);
    const convergence = await this.#converged(done.crls, done.revoked, done.seq);
    const { revoked, alreadyRevoked, tokens } = done;
    return {
      ok: true,
      result: { revoked: brief(revoked), alreadyRevoked: brief(alreadyRevoked), tokens, convergence },
    };
  }

  /** Ends a hold, then waits as `revoke` does. */
  async release(input: TargetInput, actor: AuditActor): Promise<Outcome<{ result: ReleaseResult }>> {
    const { store, clock } = this.#parts.context;
    const target = readTarget(input);
    if (!target.ok) return target;
    const done = await release(store, clock(), target.target, actor);
    if (!done.ok) return done;
    const convergence = await this.#converged(done.crls, done.released, done.seq);
    return { ok: true, result: { released: brief(done.released), convergence } };
  }

  async list(filter: CertificateFilter): Promise<CertificateList> {
    const { store, clock, cas } = this.#parts.context;
    const now = clock();
    const found = await store.listCertificates(filter, now);
    const certificates = found.map((one) => certificateRecord(one, issuerName(cas(), one.issuer), now));
    const last = found.at(-1);
    return last === undefined || found.length < filter.limit
      ? { certificates }
      : { certificates, next: String(last.id) };
  }

  async show(serial: string): Promise<Outcome<{ detail: CertificateDetail }>> {
    const { store, clock, cas } = this.#parts.context;
    const [found] = await store.certificatesBySerial(normalizeSerial(serial));
    if (found === undefined)
      return refuse('unknown_certificate', `no certificate with serial ${serial} of this authority`);
    return { ok: true, detail: certificateDetail(found, cas(), clock()) };
  }

  /** CRLs, OCSP and gateways side by side: a gateway that does not answer must not make a CRL late, nor the other way round. */
  async #converged(crls: readonly TouchedCrl[], changed: readonly Subject[], seq: number): Promise<Convergence> {
    const { hub, after } = this.#parts;
    const issuers = [...new Set(crls.map(({ issuer }) => issuer))];
    // The revocation stands even where its CRLs cannot be signed now: upkeep signs them later.
    const published = Promise.all([
      ...crls.map(({ issuer, partition }) => this.#parts.crls.publish(issuer, partition)),
      ...issuers.map((issuer) => this.#parts.crls.publishList(issuer)),
    ]).catch((error: unknown) => this.#parts.log.error({ err: error }, 'cannot sign a CRL'));
    const { promise: bound, resolve } = Promise.withResolvers<void>();
    const callOff = after(convergenceBoundMs, resolve);
    const pumped = hub.pump();
    const settled = pumped.then(() => hub.settled(seq, convergenceBoundMs));
    // What was signed before is served no more from the moment that the change was given out.
    const answered = pumped.then(() => this.#parts.ocsp.settled(changed));
    const signed = Promise.race([Promise.all([published, answered]), bound]).finally(callOff);
    const [convergence] = await Promise.all([settled, signed]);
    return convergence;
  }

  #counted(door: string, outcome: Issuance): Issuance {
    if (!outcome.ok) this.#parts.metrics.refused(door, outcome.code);
    else if (outcome.issued !== undefined) this.#parts.metrics.issued(outcome.issued.profile, door);
    return outcome;
  }
}

function brief(certificates: readonly StoredCertificate[]): { serial: string; name: string }[] {
  return certificates.map(({ serial, name }) => ({ serial, name }));
}

function readTarget({ name, serial, certificate }: TargetInput): Outcome<{ target: RevocationTarget }> {
  if (name !== undefined) {
    const parsed = parseTypedName('cn', name);
    if ('malformed' in parsed) return refuse('name_invalid', parsed.malformed);
    return { ok: true, target: { by: 'name', name: parsed.value } };
  }
  if (serial !== undefined) return { ok: true, target: { by: 'serial', serial: normalizeSerial(serial) } };
  try {
    // Of a chain the leaf is meant, which stands first.
    const der = pemDecode(certificate ?? '').find(({ label }) => label === 'CERTIFICATE')?.der;
    if (der === undefined) return refuse('bad_request', 'there is no certificate in it');
    return { ok: true, target: { by: 'certificate', serial: parseCertificate(der).serialHex, der } };
  } catch (error) {
    if (error instanceof PkiError) return refuse('bad_request', `the certificate cannot be read (${error.code})`);
    throw error;
  }
}
