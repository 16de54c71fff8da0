import type { Certificate, Crl, Crypto, SubjectPublicKeyInfo } from '@countersign/pki';

import type { Bundle } from '../bundle/bundle.ts';
import { TrustError } from '../errors.ts';
import type { RevocationStatus } from '../revocation/revocation-index.ts';
import { CRL_STALENESS } from '../state/revocation-source.ts';
import type { Coverage, RevocationSource, Staleness } from '../state/revocation-source.ts';
import { keyHash } from '../verdict/key-hash.ts';
import type { PathEntry } from '../verdict/verdict.ts';
import { isInScope, isRollback, isSameScope, isSignedBy, loadCrl, readCrl } from './accept-crl.ts';
import type { LoadedCrl } from './accept-crl.ts';

export interface CrlSetOptions {
  /** Name of the bundle that the CRLs are for. */
  readonly name: string;
  readonly crypto: Crypto;
  /** Files and URLs that CRLs are expected from: until each has given one, what is missing counts as never loaded. */
  readonly expected: readonly string[];
  readonly staleness?: Staleness | undefined;
}

/** What became of a CRL that was offered. */
export type CrlOffer =
  /** It is in use; ask of every live connection whether it still stands. */
  | { readonly kind: 'loaded'; readonly crl: LoadedCrl }
  /** It is the one in use already. */
  | { readonly kind: 'unchanged'; readonly crl: LoadedCrl }
  /** Its issuer is not known yet; a verified path that shows the issuer will bring it into use. */
  | { readonly kind: 'waiting'; readonly issuer: string };

interface Issuer {
  readonly spki: SubjectPublicKeyInfo;
  readonly certificate: Certificate | undefined;
}

/**
 * The CRLs of the CAs of one bundle: each must be signed by a CA of the bundle, or of a path that was verified, with the very
 * key that signs its certificates. An older CRL never takes the place of a newer one.
 */
export class CrlSet implements RevocationSource {
  readonly name: string;
  readonly staleness: Staleness;
  readonly #crypto: Crypto;
  readonly #missing: Set<string>;
  /** By `Name.key` of the issuer. */
  #issuers = new Map<string, Issuer[]>();
  /** By the hash of the issuer's key. */
  readonly #loaded = new Map<string, LoadedCrl[]>();
  /** CRLs whose issuer is not known, by source. */
  readonly #waiting = new Map<string, Crl>();

  constructor({ name, crypto, expected, staleness = CRL_STALENESS }: CrlSetOptions) {
    this.name = `the CRLs of ${name}`;
    this.#crypto = crypto;
    this.staleness = staleness;
    this.#missing = new Set(expected);
  }

  /** The CRLs in use: for metrics, and for alarms before they end. */
  get loaded(): LoadedCrl[] {
    return [...this.#loaded.values()].flat();
  }

  /** Whose CRLs are believed from now on: after the bundle was loaded or has changed. */
  setIssuers(bundle: Bundle): void {
    this.#issuers = new Map();
    for (const { name, spki, certificate } of bundle.anchors) this.#addIssuer(name.key, { spki, certificate });
    for (const certificate of bundle.intermediates) this.learnIssuer(certificate);
    this.#adoptWaiting();
  }

  learnIssuer(certificate: Certificate): void {
    if (this.#addIssuer(certificate.subject.key, { spki: certificate.spki, certificate })) this.#adoptWaiting();
  }

  /**
   * Takes in a CRL that was read from a file or fetched.
   *
   * @param source which of the expected ones it came from.
   * @param now milliseconds since the epoch.
   * @throws TrustError `crl_…`; what was in use stays.
   */
  offer(bytes: Uint8Array, source: string, now: number): CrlOffer {
    const crl = readCrl(bytes, source, now);
    const issuers = this.#issuers.get(crl.issuer.key) ?? [];
    const issuer = this.#signerOf(crl);
    if (issuer !== undefined) return this.#take(crl, source, issuer);
    if (issuers.length > 0) throw new TrustError('crl_signature_invalid', 'its signature does not verify', { source });
    this.#waiting.set(source, crl);
    return { kind: 'waiting', issuer: crl.issuer.key };
  }

  lookup(entry: PathEntry): RevocationStatus | undefined {
    for (const { index, scope } of this.#loaded.get(entry.issuerKeyHash) ?? []) {
      const status = isInScope(scope, entry) ? index.lookup(entry.issuerKeyHash, entry.serialHex) : undefined;
      if (status !== undefined) return status;
    }
    return undefined;
  }

  coverage(entry: PathEntry): Coverage {
    const speaking = (this.#loaded.get(entry.issuerKeyHash) ?? []).filter(({ scope }) => isInScope(scope, entry));
    if (speaking.length === 0) return { kind: this.#missing.size === 0 ? 'none' : 'missing' };
    return { kind: 'loaded', freshUntil: Math.max(...speaking.map(({ nextUpdate }) => nextUpdate)) };
  }

  /** Two CAs may share a name (T31): only the key tells whose CRL it is. */
  #signerOf(crl: Crl): Issuer | undefined {
    return this.#issuers.get(crl.issuer.key)?.find(({ spki }) => isSignedBy(crl, spki, this.#crypto));
  }

  #addIssuer(nameKey: string, issuer: Issuer): boolean {
    const known = this.#issuers.get(nameKey) ?? [];
    const hash = keyHash(issuer.spki);
    if (known.some(({ spki }) => keyHash(spki) === hash)) return false;
    this.#issuers.set(nameKey, [...known, issuer]);
    return true;
  }

  #adoptWaiting(): void {
    for (const [source, crl] of this.#waiting) {
      const issuer = this.#signerOf(crl);
      if (issuer === undefined || !maySignCrls(issuer)) continue;
      this.#waiting.delete(source);
      this.#take(crl, source, issuer);
    }
  }

  #take(crl: Crl, source: string, issuer: Issuer): CrlOffer {
    if (!maySignCrls(issuer)) {
      throw new TrustError('crl_signature_invalid', 'its issuer may not sign CRLs (keyUsage)', { source });
    }
    const next = loadCrl(crl, source, keyHash(issuer.spki));
    const others = this.#loaded.get(next.issuerKeyHash) ?? [];
    const known = others.find(({ scope }) => isSameScope(scope, next.scope));
    if (known !== undefined && isRollback(known, next)) throw rollback(known, next);
    this.#missing.delete(source);
    if (known !== undefined && isSame(known, next)) return { kind: 'unchanged', crl: known };
    this.#loaded.set(next.issuerKeyHash, [...others.filter((other) => other !== known), next]);
    return { kind: 'loaded', crl: next };
  }
}

function maySignCrls({ certificate }: Issuer): boolean {
  return certificate?.keyUsage === undefined || certificate.keyUsage.has('cRLSign');
}

function isSame(known: LoadedCrl, next: LoadedCrl): boolean {
  const sameHead =
    known.thisUpdate === next.thisUpdate && known.nextUpdate === next.nextUpdate && known.crlNumber === next.crlNumber;
  return sameHead && known.index.digest() === next.index.digest();
}

function rollback(known: LoadedCrl, next: LoadedCrl): TrustError {
  const words = ({ crlNumber, thisUpdate }: LoadedCrl): string =>
    `number ${crlNumber ?? 'none'} of ${new Date(thisUpdate).toISOString()}`;
  return new TrustError('crl_rollback', `has ${words(next)} although ${words(known)} is in use`, {
    source: next.source,
  });
}
