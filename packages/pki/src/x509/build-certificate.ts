import { PkiError } from '../errors.ts';
import { TAG } from '../der/tags.ts';
import { bitString, constructed, explicit, integer, sequence, time } from '../der/writer.ts';
import type { Signer } from '../keys/crypto.ts';
import { schemeAlgorithm } from '../keys/scheme.ts';
import type { SignatureScheme } from '../keys/scheme.ts';
import { encodeExtension, encodeSerial } from './build-extensions.ts';
import type { Extension } from './extensions/extension.ts';
import type { Name } from './name.ts';

/** What a certificate will say. */
export interface CertificateTemplate {
  /** Unsigned magnitude, or hexadecimal; 1 to 20 octets once encoded, not zero. */
  readonly serialNumber: Uint8Array | string;
  readonly issuer: Name;
  readonly subject: Name;
  /** Milliseconds since the epoch, cut to seconds. */
  readonly notBefore: number;
  /** Milliseconds since the epoch, cut to seconds. */
  readonly notAfter: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly extensions: readonly Extension[];
}

const VERSION_3 = explicit(0, integer(2));

/**
 * Encodes the signed part (TBSCertificate, RFC 5280 section 4.1.2), version 3. Apart from {@link assembleCertificate} so
 * that a twin signed by a throw-away key can be checked before the real key is used.
 *
 * @throws PkiError `cert_serial`, `cert_validity`, `ext_duplicate`
 */
export function buildTbs(template: CertificateTemplate, scheme: SignatureScheme): Uint8Array {
  const serial = encodeSerial(template.serialNumber);
  // RFC 5280 section 4.1.2.2: positive, at most 20 octets.
  if (serial.length > 22 || (serial.length === 3 && serial[2] === 0)) throw new PkiError('cert_serial');
  if (!(template.notBefore <= template.notAfter)) throw new PkiError('cert_validity', 'notAfter before notBefore');
  const { extensions } = template;
  for (let i = 1; i < extensions.length; i++) {
    const oid = extensions[i]?.oid;
    for (let j = 0; j < i; j++) if (extensions[j]?.oid === oid) throw new PkiError('ext_duplicate', oid);
  }
  return sequence(
    VERSION_3,
    serial,
    schemeAlgorithm(scheme).der,
    template.issuer.der,
    sequence(time(template.notBefore), time(template.notAfter)),
    template.subject.der,
    template.spki,
    extensions.length === 0 ? undefined : explicit(3, constructed(TAG.SEQUENCE, extensions.map(encodeExtension))),
  );
}

/** Puts the signed part, the algorithm and the signature together: a certificate, a CRL or a request. */
export function assembleSigned(tbs: Uint8Array, scheme: SignatureScheme, signature: Uint8Array): Uint8Array {
  return sequence(tbs, schemeAlgorithm(scheme).der, bitString(signature));
}

/**
 * Builds and signs a certificate (RFC 5280 section 4.1).
 *
 * @returns the DER encoding
 * @throws PkiError `cert_serial`, `cert_validity`, `ext_duplicate`
 * @example
 * const der = await buildCertificate({ serialNumber, issuer, subject, notBefore, notAfter, spki, extensions: [
 *   basicConstraints({ ca: false }), keyUsage(['digitalSignature']), extendedKeyUsage([OID.clientAuth]),
 * ] }, signer);
 */
export async function buildCertificate(template: CertificateTemplate, signer: Signer): Promise<Uint8Array> {
  const tbs = buildTbs(template, signer.scheme);
  return assembleSigned(tbs, signer.scheme, await signer.sign(tbs));
}
