import { PkiError } from '../errors.ts';
import { fromHex } from '../der/octets.ts';
import { BackWriter } from '../der/back-writer.ts';
import { TAG } from '../der/tags.ts';
import { boolean, explicit, integer, lengthOctets, oid as encodeOid, writeHeader } from '../der/writer.ts';
import type { Signer } from '../keys/crypto.ts';
import { schemeAlgorithm } from '../keys/scheme.ts';
import type { SignatureScheme } from '../keys/scheme.ts';
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
const TRUE = boolean(true);

/**
 * Encodes the signed part (TBSCertificate, RFC 5280 section 4.1.2), version 3. Apart from {@link assembleCertificate} so
 * that a twin signed by a throw-away key can be checked before the real key is used.
 *
 * @throws PkiError `cert_serial`, `cert_validity`, `ext_duplicate`
 */
export function buildTbs(template: CertificateTemplate, scheme: SignatureScheme): Uint8Array {
  const serial = serialMagnitude(template.serialNumber);
  if (!(template.notBefore <= template.notAfter)) throw new PkiError('cert_validity', 'notAfter before notBefore');
  refuseDuplicates(template.extensions);
  writer.reset();
  if (template.extensions.length > 0) {
    for (let i = template.extensions.length - 1; i >= 0; i--) writeExtension(template.extensions[i] as Extension);
    writer.close(TAG.SEQUENCE, 0);
    writer.close(0xa3, 0);
  }
  writer.put(template.spki);
  writer.put(template.subject.der);
  const validity = writer.length;
  writer.putTime(template.notAfter);
  writer.putTime(template.notBefore);
  writer.close(TAG.SEQUENCE, validity);
  writer.put(template.issuer.der);
  writer.put(schemeAlgorithm(scheme).der);
  writer.putUnsigned(serial);
  writer.put(VERSION_3);
  writer.close(TAG.SEQUENCE, 0);
  return writer.result();
}

/** Nothing asynchronous happens between a reset and its result, so one writer serves all. */
const writer = new BackWriter();

/** RFC 5280 section 4.1.2.2: positive, at most 20 octets as an INTEGER. */
function serialMagnitude(serial: Uint8Array | string): Uint8Array {
  const magnitude = typeof serial === 'string' ? fromHex(serial.length % 2 === 1 ? `0${serial}` : serial) : serial;
  let from = 0;
  while (from < magnitude.length && magnitude[from] === 0) from++;
  const octets = magnitude.length - from;
  if (octets === 0 || octets > 20 || (octets === 20 && (magnitude[from] as number) >= 0x80)) {
    throw new PkiError('cert_serial');
  }
  return magnitude;
}

function refuseDuplicates(extensions: readonly Extension[]): void {
  for (let i = 1; i < extensions.length; i++) {
    const oid = extensions[i]?.oid;
    for (let j = 0; j < i; j++) if (extensions[j]?.oid === oid) throw new PkiError('ext_duplicate', oid);
  }
}

function writeExtension({ oid, critical, value }: Extension): void {
  const end = writer.length;
  writer.put(value);
  writer.close(TAG.OCTET_STRING, end);
  if (critical) writer.put(TRUE);
  writer.put(encodeOid(oid));
  writer.close(TAG.SEQUENCE, end);
}

/** Puts the signed part, the algorithm and the signature together: a certificate, a CRL or a request. */
export function assembleSigned(tbs: Uint8Array, scheme: SignatureScheme, signature: Uint8Array): Uint8Array {
  const algorithm = schemeAlgorithm(scheme).der;
  const bits = 1 + signature.length;
  const length = tbs.length + algorithm.length + 1 + lengthOctets(bits) + bits;
  const out = new Uint8Array(1 + lengthOctets(length) + length);
  let at = writeHeader(out, 0, TAG.SEQUENCE, length);
  out.set(tbs, at);
  out.set(algorithm, (at += tbs.length));
  at = writeHeader(out, at + algorithm.length, TAG.BIT_STRING, bits);
  // The octet left at zero says that no bit is unused.
  out.set(signature, at + 1);
  return out;
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
  const signature = signer.sign(tbs);
  // To await what is there already would cost a turn for each certificate.
  return assembleSigned(tbs, signer.scheme, signature instanceof Uint8Array ? signature : await signature);
}
