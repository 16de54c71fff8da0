import type { Crypto, DigestAlgorithm, OcspCertId } from '@countersign/pki';
import { issuersOf } from '../ca.ts';
import type { Ca, CaSet } from '../ca.ts';

const digests: readonly DigestAlgorithm[] = ['sha1', 'sha256', 'sha384', 'sha512'];

function keyOf(digest: DigestAlgorithm, nameHash: Uint8Array, keyHash: Uint8Array): string {
  return `${digest} ${Buffer.from(nameHash).toString('latin1')}${Buffer.from(keyHash).toString('latin1')}`;
}

/** Which of our issuing CAs, whoever has its key, a CertID means (RFC 6960, section 4.1.1), by each digest that is in use. */
export class IssuerTable {
  readonly #cas: () => CaSet;
  readonly #crypto: Crypto;
  #of: CaSet | undefined;
  #table = new Map<string, Ca>();

  constructor(cas: () => CaSet, crypto: Crypto) {
    this.#cas = cas;
    this.#crypto = crypto;
  }

  /** The issuing CA; undefined for every other: the root's own certificates are told of in its CRL alone. */
  find({ digest, hashAlgorithm, issuerNameHash, issuerKeyHash }: OcspCertId): Ca | undefined {
    const { parameters } = hashAlgorithm;
    // Absent or NULL; whatever else stood there would have to be repeated in the answer.
    if (digest === undefined || (parameters !== undefined && parameters.length !== 2)) return undefined;
    if (issuerNameHash.length !== issuerKeyHash.length) return undefined;
    return this.#current().get(keyOf(digest, issuerNameHash, issuerKeyHash));
  }

  #current(): ReadonlyMap<string, Ca> {
    const cas = this.#cas();
    if (this.#of !== cas) {
      const entries = issuersOf(cas).flatMap((ca) =>
        digests.map((digest) => {
          const { subject, spki } = ca.certificate;
          const hashes = [subject.der, spki.bits].map((part) => this.#crypto.digest(digest, part));
          const [nameHash = new Uint8Array(), keyHash = new Uint8Array()] = hashes;
          return [keyOf(digest, nameHash, keyHash), ca] as const;
        }),
      );
      this.#table = new Map(entries);
      this.#of = cas;
    }
    return this.#table;
  }
}
