import type { Certificate, Crl, Crypto } from '@countersign/pki';

import type { Bundle } from '../bundle/bundle.ts';
import { TrustError } from '../errors.ts';
import type { RevocationStatus } from '../revocation/revocation-index.ts';
import { CRL_STALENESS, isCovered } from '../state/revocation-source.ts';
import type { Coverage, RevocationSource, Staleness } from '../state/revocation-source.ts';
import { keyHash, sha256Hex } from '../verdict/key-hash.ts';
import { pathEntry } from '../verdict/path-entries.ts';
import type { PathEntry } from '../verdict/verdict.ts';
import { isSignedBy, loadCrl, readCrl } from './accept-crl.ts';
import type { LoadedCrl } from './accept-crl.ts';
import { CrlShelf } from './crl-shelf.ts';
import { IssuerTable } from './issuer-table.ts';
import type { CrlIssuer } from './issuer-table.ts';

/** Lists of one source that wait for their issuer: the one that was kept, and the newest. */
const MAX_WAITING = 2;

export interface CrlSetOptions {
  /** Name of the bundle that the CRLs are for. */
  readonly name: string;
  readonly crypto: Crypto;
  /** Files and URLs that CRLs are expected from: until each has given one, what is missing counts as never loaded. */
  readonly expected: readonly string[];
  /** CRLs are fetched from the distribution points of trusted chains too: what is missing may always come. */
  readonly isOpen?: boolean | undefined;
  readonly staleness?: Staleness | undefined;
  /** A list has come into use, or has changed: whoever keeps lists keeps this one. `der`: as it came. */
  readonly onLoaded?: ((crl: LoadedCrl, der: Uint8Array) => void) | undefined;
}

/** What became of a CRL that was offered. */
export type CrlOffer =
  /** It is in use; ask of every live connection whether it still stands. */
  | { readonly kind: 'loaded'; readonly crl: LoadedCrl }
  /** What it tells is known already. */
  | { readonly kind: 'unchanged'; readonly crl: LoadedCrl }
  /**
   * `issuer`: its issuer is not known yet; a verified path that shows the issuer will bring it into use. `base`: it is a delta,
   * and the complete list that it belongs to is not here.
   */
  | { readonly kind: 'waiting'; readonly for: 'issuer' | 'base'; readonly issuer: string };

/**
 * The CRLs of the CAs of one bundle: complete and delta, for all certificates or partitions of them (by distribution point,
 * kind or reason), direct and indirect (RFC 5280 sections 5 and 6.3). Each must be signed by a CA of the bundle, or of a path that
 * was verified, with the very key that signs its certificates; an indirect one by a CA or CRL issuer that the bundle names.
 * An older CRL never takes the place of a newer one.
 *
 * Each list has an index of its own, so that the next one takes its place in one step.
 */
export class CrlSet implements RevocationSource {
  readonly name: string;
  readonly staleness: Staleness;
  readonly #crypto: Crypto;
  readonly #expected: ReadonlySet<string>;
  readonly #missing: Set<string>;
  readonly #isOpen: boolean;
  readonly #onLoaded: CrlSetOptions['onLoaded'];
  readonly #issuers: IssuerTable;
  readonly #shelf = new CrlShelf();
  /** CRLs whose issuer is not known, by source: the one that came first and the one that came last. */
  readonly #waiting = new Map<string, readonly Crl[]>();

  constructor({ name, crypto, expected, isOpen = false, staleness = CRL_STALENESS, onLoaded }: CrlSetOptions) {
    this.name = `the CRLs of ${name}`;
    this.#crypto = crypto;
    this.#issuers = new IssuerTable(crypto);
    this.#isOpen = isOpen;
    this.#onLoaded = onLoaded;
    this.staleness = staleness;
    this.#expected = new Set(expected);
    this.#missing = new Set(expected);
  }

  /** The CRLs in use: for metrics, and for alarms before they end. */
  get loaded(): LoadedCrl[] {
    return this.#shelf.lists;
  }

  /**
   * Whose CRLs are believed from now on: after the bundle was loaded or has changed.
   *
   * @param signers certificates of CRL issuers that are no CAs (RFC 5280 section 5: the signer of an indirect CRL).
   */
  setIssuers(bundle: Bundle, signers: readonly Certificate[] = []): void {
    this.#issuers.reset(bundle, signers);
    this.#adoptWaiting();
  }

  learnIssuer(certificate: Certificate): void {
    if (this.#issuers.learn(certificate)) this.#adoptWaiting();
  }

  /** Takes in CAs that others have found on verified paths, as far as one that is known here vouches for them. */
  learnSigned(certificates: readonly Certificate[]): void {
    if (this.#issuers.vouch(certificates)) this.#adoptWaiting();
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
    const issuer = this.#signerOf(crl);
    if (issuer !== undefined) return this.#take(crl, source, issuer, now);
    if (this.#issuers.named(crl.issuer.key).length > 0) {
      throw new TrustError('crl_signature_invalid', 'its signature does not verify', { source });
    }
    this.#wait(crl, source);
    return { kind: 'waiting', for: 'issuer', issuer: crl.issuer.key };
  }

  lookup(entry: PathEntry): RevocationStatus | undefined {
    return this.#shelf.lookup(entry);
  }

  coverage(entry: PathEntry): Coverage {
    const freshUntil = this.#shelf.freshUntil(entry);
    if (freshUntil !== undefined) return { kind: 'loaded', freshUntil };
    const mayCome = this.#missing.size > 0 || (this.#isOpen && entry.crlUris.length > 0);
    return { kind: mayCome ? 'missing' : 'none' };
  }

  wants(entry: PathEntry, now: number): boolean {
    return this.#isOpen && entry.crlUris.length > 0 && !isCovered(this, entry, now);
  }

  /** Two CAs may share a name (T31): only the key tells whose CRL it is. */
  #signerOf(crl: Crl): CrlIssuer | undefined {
    return this.#issuers.named(crl.issuer.key).find(({ spki }) => isSignedBy(crl, spki, this.#crypto));
  }

  #wait(crl: Crl, source: string): void {
    const kept = this.#waiting.get(source)?.slice(0, MAX_WAITING - 1) ?? [];
    if (kept.some((known) => sha256Hex(known.der) === sha256Hex(crl.der))) return;
    this.#waiting.set(source, [...kept, crl]);
  }

  #adoptWaiting(): void {
    for (const [source, crls] of this.#waiting) {
      const left = crls.filter((crl) => {
        const issuer = this.#signerOf(crl);
        if (issuer === undefined) return true;
        try {
          this.#take(crl, source, issuer, crl.thisUpdate);
        } catch (error) {
          // What cannot be used now could not be used when it came.
          if (!(error instanceof TrustError)) throw error;
        }
        return false;
      });
      if (left.length === 0) this.#waiting.delete(source);
      else this.#waiting.set(source, left);
    }
  }

  #take(crl: Crl, source: string, issuer: CrlIssuer, now: number): CrlOffer {
    const next = loadCrl(crl, source, keyHash(issuer.spki), this.#expected.has(source));
    const refused = this.#whyNot(issuer, next, now);
    if (refused !== undefined) throw new TrustError('crl_signature_invalid', refused, { source });
    const shelved = this.#shelf.put(next);
    this.#missing.delete(source);
    if (shelved !== 'unchanged') this.#onLoaded?.(next, crl.der);
    return shelved === 'waiting'
      ? { kind: 'waiting', for: 'base', issuer: crl.issuer.key }
      : { kind: shelved, crl: next };
  }

  #whyNot({ certificate, spki, isNamed }: CrlIssuer, { scope }: LoadedCrl, now: number): string | undefined {
    if (certificate?.keyUsage !== undefined && !certificate.keyUsage.has('cRLSign')) {
      return 'its issuer may not sign CRLs (keyUsage)';
    }
    if (!scope.indirect) return undefined;
    // Its word is about other CAs' certificates, so that to have a certificate of some CA here is not enough.
    if (!isNamed) return 'is indirect, and its issuer is not in the bundle';
    if (certificate === undefined) return undefined;
    if (now > certificate.notAfter) return 'the certificate of its issuer has expired';
    const above = this.#issuers.issuerOf(certificate, spki);
    const status = above === undefined ? undefined : this.lookup(pathEntry(certificate, keyHash(above)));
    return status === undefined ? undefined : `the certificate of its issuer is revoked (${status.reason})`;
  }
}
