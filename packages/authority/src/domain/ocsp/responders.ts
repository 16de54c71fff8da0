import { parseCertificate, parsePublicKeyInfo } from '@countersign/pki';
import type { Certificate, OcspResponderId, Signer } from '@countersign/pki';
import type { Ca, CaSet, SigningCa } from '../ca.ts';
import { certify } from '../certify.ts';
import type { IssuanceContext } from '../issue.ts';
import { nameSet, parseTypedName } from '../names.ts';
import { refuse } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { NewCertificate } from '../ports.ts';
import { responderTemplate } from '../template.ts';
import { decideValidity } from '../validity.ts';
import type { Subject } from './subject.ts';

const name = 'ocsp-responder';

/** Seven days; made anew from the half on, so that what it signs, hours long, never outlives it. */
const lifetimeSeconds = 7 * 86_400;

/** Who answers for one issuing CA. */
export interface Responder {
  readonly issuer: SigningCa;
  readonly certificate: Certificate;
  readonly signer: Signer;
  readonly id: OcspResponderId;
  /** Its own certificate was revoked: what it has signed is served no more. */
  withdrawn: boolean;
}

/** Makes the key of a responder for a CA: of the same kind, and kept nowhere. */
export type ResponderKey = (issuer: SigningCa) => Promise<Signer>;

export type ResponderContext = Pick<IssuanceContext, 'store' | 'clock' | 'random' | 'crypto' | 'cas'>;

/**
 * The responders of this process: one for each issuing CA, with a key of its own in memory and a certificate that was stored and logged
 * like every other. Several authorities on one store have each their own.
 */
export class Responders {
  readonly #context: ResponderContext;
  readonly #newKey: ResponderKey;
  readonly #current = new Map<string, Responder>();
  #keeping: Promise<void> = Promise.resolve();

  constructor(context: ResponderContext, newKey: ResponderKey) {
    this.#context = context;
    this.#newKey = newKey;
  }

  /** Who answers for `issuer` now; undefined while there is nobody. */
  of(issuer: Ca): Responder | undefined {
    const responder = this.#current.get(issuer.keyHash);
    return responder !== undefined && serves(responder, this.#context.clock()) ? responder : undefined;
  }

  /** Every responder, and when its certificate ends. */
  list(): readonly Responder[] {
    return [...this.#current.values()];
  }

  /** Makes what is missing, was revoked, or has half its time behind it; in a CA's own time only. */
  keep(): Promise<void> {
    // One after the other: two would make the same twice.
    const kept = this.#keeping.then(() => this.#keep());
    this.#keeping = kept.catch(() => undefined);
    return kept;
  }

  /** A certificate was revoked: true when it was a responder's, which then needs another. */
  withdraw({ issuer, serial }: Subject): boolean {
    const responder = this.#current.get(issuer);
    if (responder?.certificate.serialHex !== serial) return false;
    responder.withdrawn = true;
    return true;
  }

  async #keep(): Promise<void> {
    const cas: CaSet = this.#context.cas();
    for (const gone of this.#current.keys()) {
      if (!cas.issuing.some(({ keyHash }) => keyHash === gone)) this.#current.delete(gone);
    }
    for (const issuer of cas.issuing) {
      const now = this.#context.clock();
      const { notBefore, notAfter } = issuer.certificate;
      if (now < notBefore || now >= notAfter || !isDue(this.#current.get(issuer.keyHash), now)) continue;
      const made = await this.#make(issuer, now);
      if (!made.ok) throw new Error(`no certificate for the OCSP responder of ${issuer.id}: ${made.detail}`);
      this.#current.set(issuer.keyHash, made.responder);
    }
  }

  async #make(issuer: SigningCa, now: number): Promise<Outcome<{ responder: Responder }>> {
    const signer = await this.#newKey(issuer);
    const certified = await issueResponder(this.#context, issuer, signer, now);
    if (!certified.ok) return certified;
    const certificate = parseCertificate(certified.record.der);
    // RFC 6960, section 4.2.1: of the key itself, without tag, length and unused bits.
    const keyHash = this.#context.crypto.digest('sha1', certificate.spki.bits);
    return { ok: true, responder: { issuer, certificate, signer, id: { type: 'key', keyHash }, withdrawn: false } };
  }
}

function serves({ withdrawn, certificate }: Responder, now: number): boolean {
  return !withdrawn && certificate.notBefore <= now && now < certificate.notAfter;
}

function isDue(responder: Responder | undefined, now: number): boolean {
  if (responder === undefined || !serves(responder, now)) return true;
  const { notBefore, notAfter } = responder.certificate;
  const half = now >= (notBefore + notAfter) / 2;
  // At the end of a CA a new one would last no longer.
  return half && responder.issuer.certificate.notAfter > notAfter;
}

/** Certifies a responder's key: the door that nobody outside can knock at. */
async function issueResponder(
  context: ResponderContext,
  issuer: SigningCa,
  signer: Signer,
  now: number,
): Promise<Outcome<{ record: NewCertificate }>> {
  const proven = parseTypedName('cn', name);
  if ('malformed' in proven) return refuse('name_invalid', proven.malformed);
  const validity = decideValidity(now, lifetimeSeconds, {}, issuer.certificate.notAfter);
  if (!validity.ok) return validity;
  const { notBefore, notAfter } = validity;
  const spki = parsePublicKeyInfo(signer.spki);
  const contents = { name, spki, serialNumber: context.random(16), notBefore, notAfter };
  return certify(context, {
    issuer,
    template: responderTemplate(contents, issuer),
    profile: 'ocsp',
    name,
    proven: nameSet([proven]),
    lifetimeSeconds,
    partition: 0,
    issuedAt: now,
    actor: { kind: 'authority' },
    action: 'certificate.issued',
  });
}
