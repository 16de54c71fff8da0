import { wipe } from '../der/octets.ts';
import { contextConstructed, TAG } from '../der/tags.ts';
import { element, explicit, integer, octetString, oid, sequence, setOf } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import type { Crypto, DigestAlgorithm, Signer } from '../keys/crypto.ts';
import { schemeAlgorithm } from '../keys/scheme.ts';
import type { SignatureScheme } from '../keys/scheme.ts';
import type { Certificate } from '../x509/certificate.ts';
import { OID } from '../x509/oids.ts';
import { CMS_OID } from './oids.ts';

/** What is signed, and by whom. */
export interface SignedDataTemplate {
  /** The dotted type of the content. */
  readonly contentType: string;
  readonly content: Uint8Array;
  /** The certificate of the signer's key. */
  readonly certificate: Certificate;
  /** Further certificates that travel with it, DER. */
  readonly chain?: readonly Uint8Array[];
}

/** The digest of the content that goes with a signature (RFC 5754). Ed25519 and ML-DSA have forms of their own, which few can read. */
function digestFor(scheme: SignatureScheme): DigestAlgorithm {
  const named = /-(?<digest>sha256|sha384|sha512)$/u.exec(scheme)?.groups?.['digest'];
  if (named === undefined) throw new PkiError('key_unsupported', scheme);
  return named as DigestAlgorithm;
}

/** IssuerAndSerialNumber (RFC 5652, section 10.2.4). */
export function issuerAndSerial({ issuer, serialNumber }: Certificate): Uint8Array {
  return sequence(issuer.der, element(TAG.INTEGER, serialNumber));
}

/**
 * SignedData (RFC 5652, section 5) with the content inside and one signer, as a bare SEQUENCE: what an envelope takes.
 * {@link contentInfo} makes a message of it. The copies of the content that are made on the way are wiped.
 *
 * @throws PkiError `key_unsupported` for a signer that is neither RSA nor ECDSA with SHA-2
 * @example
 * const signed = await buildSignedData({ contentType: CMS_OID.keyPackage, content, certificate }, signer, nodeCrypto);
 */
export async function buildSignedData(
  { contentType, content, certificate, chain = [] }: SignedDataTemplate,
  signer: Signer,
  crypto: Pick<Crypto, 'digest'>,
): Promise<Uint8Array> {
  const digest = digestFor(signer.scheme);
  // RFC 5754, section 2: without parameters.
  const digestAlgorithm = sequence(oid(OID[digest]));
  const attributes = [
    sequence(oid(CMS_OID.contentType), setOf([oid(contentType)])),
    sequence(oid(CMS_OID.messageDigest), setOf([octetString(crypto.digest(digest, content))])),
  ];
  const signature = await signer.sign(setOf(attributes));
  const { oid: schemeOid, parameters } = schemeAlgorithm(signer.scheme);
  const signerInfo = sequence(
    integer(1),
    issuerAndSerial(certificate),
    digestAlgorithm,
    setOf(attributes, contextConstructed(0)),
    sequence(oid(schemeOid), parameters),
    octetString(signature),
  );
  const octets = octetString(content);
  const wrapped = explicit(0, octets);
  const encapsulated = sequence(oid(contentType), wrapped);
  const signed = sequence(
    // Section 5.1: 3 for a content that is not plain data.
    integer(contentType === CMS_OID.data ? 1 : 3),
    setOf([digestAlgorithm]),
    encapsulated,
    setOf([certificate.der, ...chain], contextConstructed(0)),
    setOf([signerInfo]),
  );
  wipe(octets, wrapped, encapsulated);
  return signed;
}

/** ContentInfo (RFC 5652, section 3): the message around a content that stands in CMS itself. */
export function contentInfo(contentType: string, content: Uint8Array): Uint8Array {
  return sequence(oid(contentType), explicit(0, content));
}

/**
 * AsymmetricKeyPackage (RFC 5958, section 2) of one private key, the content `id-ct-KP-aKeyPackage`.
 *
 * @param key unencrypted PKCS#8
 */
export function buildKeyPackage(key: Uint8Array): Uint8Array {
  return sequence(key);
}
