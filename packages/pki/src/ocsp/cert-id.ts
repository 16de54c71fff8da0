import { equalOctets } from '../der/octets.ts';
import type { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { element, nullValue, octetString, sequence } from '../der/writer.ts';
import type { Crypto, DigestAlgorithm } from '../keys/crypto.ts';
import { algorithmIdentifier, readAlgorithm } from '../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import type { Certificate } from '../x509/certificate.ts';
import { OID } from '../x509/oids.ts';

/** How OCSP names a certificate (RFC 6960, section 4.1.1). */
export interface OcspCertId {
  readonly hashAlgorithm: AlgorithmIdentifier;
  /** `undefined`: a digest that we do not make, so that the name fits no certificate. */
  readonly digest: DigestAlgorithm | undefined;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Content octets as encoded, compared octet by octet. */
  readonly serialNumber: Uint8Array;
}

/** What of a certificate its CertID is made of. */
export type NamedCertificate = Pick<Certificate, 'serialNumber' | 'issuer'>;

const digestOfOid: Readonly<Record<string, DigestAlgorithm>> = {
  [OID.sha1]: 'sha1',
  [OID.sha256]: 'sha256',
  [OID.sha384]: 'sha384',
  [OID.sha512]: 'sha512',
};

const oidOfDigest = { sha1: OID.sha1, sha256: OID.sha256, sha384: OID.sha384, sha512: OID.sha512 } as const;

/** Reads a CertID at the cursor. Its serial number may be any octets: it only names one of a certificate. */
export function readCertId(reader: DerReader): OcspCertId {
  const outer = reader.enter(TAG.SEQUENCE);
  const hashAlgorithm = readAlgorithm(reader);
  reader.octetString();
  const issuerNameHash = reader.content();
  reader.octetString();
  const issuerKeyHash = reader.content();
  reader.element(TAG.INTEGER);
  const serialNumber = reader.content();
  reader.leave(outer);
  return { hashAlgorithm, digest: digestOfOid[hashAlgorithm.oid], issuerNameHash, issuerKeyHash, serialNumber };
}

/**
 * The CertID of a certificate. SHA-1 is what every responder knows; nothing rests on its strength here, because the issuer's
 * own certificate is at hand.
 *
 * @param issuer the certificate of the CA that issued it
 */
export function ocspCertId(
  certificate: NamedCertificate,
  issuer: Pick<Certificate, 'spki'>,
  digest: DigestAlgorithm,
  crypto: Crypto,
): OcspCertId {
  return {
    hashAlgorithm: algorithmIdentifier(oidOfDigest[digest], nullValue()),
    digest,
    issuerNameHash: crypto.digest(digest, certificate.issuer.der),
    issuerKeyHash: crypto.digest(digest, issuer.spki.bits),
    serialNumber: certificate.serialNumber,
  };
}

/**
 * A CertID as DER.
 *
 * @example
 * const der = encodeCertId(request.questions[0].certId);
 */
export function encodeCertId(id: OcspCertId): Uint8Array {
  return sequence(
    id.hashAlgorithm.der,
    octetString(id.issuerNameHash),
    octetString(id.issuerKeyHash),
    element(TAG.INTEGER, id.serialNumber),
  );
}

/** Whether a CertID is the one of this certificate. */
export function certIdMatches(
  id: OcspCertId,
  certificate: NamedCertificate,
  issuer: Pick<Certificate, 'spki'>,
  crypto: Crypto,
): boolean {
  if (id.digest === undefined || !equalOctets(id.serialNumber, certificate.serialNumber)) return false;
  return (
    equalOctets(id.issuerNameHash, crypto.digest(id.digest, certificate.issuer.der)) &&
    equalOctets(id.issuerKeyHash, crypto.digest(id.digest, issuer.spki.bits))
  );
}
