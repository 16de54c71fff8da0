import { isLegacyScheme, verifySignature } from '@countersign/pki';
import type { Certificate, Crypto, SubjectPublicKeyInfo } from '@countersign/pki';

import type { Bundle } from '../bundle/bundle.ts';
import { keyHash } from '../verdict/key-hash.ts';

/** More issuers than anybody has: those that verified paths have shown are bounded by it. */
const MAX_LEARNT = 4096;
/** Certificates of CAs that are kept to be looked at again when the bundle changes. */
const MAX_SHOWN = 512;

/** One who may sign CRLs. */
export interface CrlIssuer {
  readonly spki: SubjectPublicKeyInfo;
  readonly certificate: Certificate | undefined;
  /** The bundle names it; false: a verified path has shown it. */
  readonly isNamed: boolean;
}

/** Those whose CRLs are believed, by name and key. */
export class IssuerTable {
  readonly #crypto: Crypto;
  /** By `Name.key`. */
  #issuers = new Map<string, readonly CrlIssuer[]>();
  #learnt = 0;
  /** CAs that others have found on verified paths. */
  #shown: readonly Certificate[] = [];

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** Begins anew with those that a bundle names; what paths have shown must be shown again. */
  reset(bundle: Bundle, signers: readonly Certificate[]): void {
    this.#issuers = new Map();
    this.#learnt = 0;
    for (const { name, spki, certificate } of bundle.anchors) {
      this.#add(name.key, { spki, certificate, isNamed: true });
    }
    for (const certificate of [...bundle.intermediates, ...signers]) {
      this.#add(certificate.subject.key, { spki: certificate.spki, certificate, isNamed: true });
    }
    this.vouch([]);
  }

  /** Takes in CAs that others have found, as far as one that is known vouches for them. True when there are new ones. */
  vouch(certificates: readonly Certificate[]): boolean {
    this.#shown = [...this.#shown, ...certificates].slice(-MAX_SHOWN);
    let added = false;
    // A chain comes from the leaf upwards: who could not be placed may be once the one above is.
    for (let again = true; again;) {
      again = false;
      for (const certificate of this.#shown) {
        if (this.#isKnown(certificate) || !this.#isVouchedFor(certificate)) continue;
        again = this.learn(certificate) || again;
      }
      added ||= again;
    }
    return added;
  }

  /** Takes in a CA of a verified path. True when it was not known. */
  learn(certificate: Certificate): boolean {
    if (this.#learnt >= MAX_LEARNT) return false;
    const added = this.#add(certificate.subject.key, { spki: certificate.spki, certificate, isNamed: false });
    if (added) this.#learnt += 1;
    return added;
  }

  /** All of a `Name.key`: two CAs may share a name. */
  named(nameKey: string): readonly CrlIssuer[] {
    return this.#issuers.get(nameKey) ?? [];
  }

  /** The key, other than its own, that signed a certificate. */
  issuerOf(certificate: Certificate, own: SubjectPublicKeyInfo): SubjectPublicKeyInfo | undefined {
    const ownHash = keyHash(own);
    return this.named(certificate.issuer.key).find(({ spki }) => {
      if (keyHash(spki) === ownHash) return false;
      const result = verifySignature(certificate, spki, this.#crypto);
      return result.ok && !isLegacyScheme(result.scheme);
    })?.spki;
  }

  #isKnown({ subject, spki }: Certificate): boolean {
    const hash = keyHash(spki);
    return this.named(subject.key).some((issuer) => keyHash(issuer.spki) === hash);
  }

  /** Whether a CA's certificate is signed by one that is known. */
  #isVouchedFor(certificate: Certificate): boolean {
    return certificate.basicConstraints?.ca === true && this.issuerOf(certificate, certificate.spki) !== undefined;
  }

  #add(nameKey: string, issuer: CrlIssuer): boolean {
    const known = this.named(nameKey);
    const hash = keyHash(issuer.spki);
    if (known.some(({ spki }) => keyHash(spki) === hash)) return false;
    this.#issuers.set(nameKey, [...known, issuer]);
    return true;
  }
}
