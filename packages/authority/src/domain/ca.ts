import { hash } from 'node:crypto';
import { pemEncode } from '@countersign/pki';
import type { Certificate, Signer } from '@countersign/pki';

/** A certificate of our own CAs. */
export interface Ca {
  /** `root` or `issuing-N`. */
  readonly id: string;
  /** SHA-256 of its SubjectPublicKeyInfo: what it is called as an issuer. */
  readonly keyHash: string;
  readonly certificate: Certificate;
  readonly pem: string;
  /** Into how many partitions its CRL is divided; the root's is not. */
  readonly partitions: number;
  /** It was revoked: it issues nothing any more. */
  readonly revoked: boolean;
}

/** A CA that signs. */
export interface SigningCa extends Ca {
  readonly signer: Signer;
  /** The same key off the main thread, where its signatures take so long that others should not wait: RSA. */
  readonly threadedSigner?: Signer | undefined;
  /** A throw-away key of the same kind: its signatures are worth nothing, so what it signs can be looked at first. */
  readonly twin: Signer;
}

/** Every CA of this PKI, as of one generation. */
export interface CaSet {
  readonly root: Ca;
  /** Those that this node signs with; oldest first. */
  readonly issuing: readonly SigningCa[];
  /** Those whose keys other nodes have, and this one not. */
  readonly elsewhere: readonly Ca[];
  readonly generation: number;
}

/** Lower-case hex of a SHA-256. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data);
}

/** How a CA is called as an issuer. */
export function keyHashOf(spkiDer: Uint8Array): string {
  return sha256Hex(spkiDer);
}

/** A key identifier: RFC 7093, section 2, method 1. */
export function keyIdentifier(subjectPublicKey: Uint8Array): Uint8Array {
  return hash('sha256', subjectPublicKey, 'buffer').subarray(0, 20);
}

/** What is known of a CA beside its certificate. */
export interface CaFacts {
  readonly id: string;
  readonly partitions: number;
  readonly revoked?: boolean;
}

/** Every issuing CA, whoever has its key. */
export function issuersOf({ issuing, elsewhere }: CaSet): readonly Ca[] {
  return [...elsewhere, ...issuing];
}

/** A CA from its certificate. */
export function caOf({ id, partitions, revoked = false }: CaFacts, certificate: Certificate): Ca {
  const keyHash = keyHashOf(certificate.spki.der);
  return { id, keyHash, certificate, pem: pemEncode('CERTIFICATE', certificate.der), partitions, revoked };
}

/** The newest issuing CA that is valid at `now` and not revoked. */
export function currentIssuer(cas: CaSet, now: number): SigningCa | undefined {
  return cas.issuing.findLast(
    ({ certificate, revoked }) => !revoked && certificate.notBefore <= now && now <= certificate.notAfter,
  );
}
