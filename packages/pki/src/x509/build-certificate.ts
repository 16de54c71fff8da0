import { PkiError } from '../errors.ts';
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
 * Encodes the signed part (TBSCertificate, RFC 5280 section 4.1.2), version 3. Apart from {@link assembleSigned} so
 * that a twin signed by a throw-away key can be checked before the real key is used.
 *
 * @throws PkiError `cert_serial`, `cert_validity`, `ext_duplicate`
 */
export function buildTbs(template: CertificateTemplate, scheme: SignatureScheme): Uint8Array {
  writer.reset();
  putTbs(template, schemeAlgorithm(scheme).der);
  return writer.result();
}

/** Puts the signed part before what is in the writer. */
function putTbs(template: CertificateTemplate, algorithm: Uint8Array): void {
  const { extensions } = template;
  if (!(template.notBefore <= template.notAfter)) throw new PkiError('cert_validity', 'notAfter before notBefore');
  refuseDuplicates(extensions);
  const end = writer.length;
  if (extensions.length > 0) {
    for (let i = extensions.length - 1; i >= 0; i--) putExtension(extensions[i] as Extension);
    writer.close(TAG.SEQUENCE, end);
    writer.close(0xa3, end);
  }
  writer.put(template.spki);
  writer.put(template.subject.der);
  const validity = writer.length;
  writer.putTime(template.notAfter);
  writer.putTime(template.notBefore);
  writer.close(TAG.SEQUENCE, validity);
  writer.put(template.issuer.der);
  writer.put(algorithm);
  putSerial(template.serialNumber);
  writer.put(VERSION_3);
  writer.close(TAG.SEQUENCE, end);
}

/** Nothing asynchronous happens between a reset and its result, so one writer serves all. */
const writer = new BackWriter();

/** RFC 5280 section 4.1.2.2: positive, at most 20 octets as an INTEGER. */
function putSerial(serial: Uint8Array | string): void {
  const end = writer.length;
  if (typeof serial === 'string') writer.putHex(serial);
  else writer.put(serial);
  const isZero = writer.closeUnsigned(end) === 0;
  if (isZero || writer.length - end > 2 + 20) throw new PkiError('cert_serial');
}

function refuseDuplicates(extensions: readonly Extension[]): void {
  for (let i = 1; i < extensions.length; i++) {
    const oid = extensions[i]?.oid;
    for (let j = 0; j < i; j++) if (extensions[j]?.oid === oid) throw new PkiError('ext_duplicate', oid);
  }
}

function putExtension({ oid, critical, value }: Extension): void {
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

/** Room for a tag and a length of up to 65,535: every certificate that is not absurd. */
const FRONT_ROOM = 4;
/** Room for the signature of an elliptic curve in its BIT STRING: at most 139 octets, with P-521. */
const BACK_ROOM = 144;

/**
 * Builds and signs a certificate (RFC 5280 section 4.1).
 *
 * @returns the DER encoding; the array may be a view on a little more memory
 * @throws PkiError `cert_serial`, `cert_validity`, `ext_duplicate`
 * @example
 * const der = await buildCertificate({ serialNumber, issuer, subject, notBefore, notAfter, spki, extensions: [
 *   basicConstraints({ ca: false }), keyUsage(['digitalSignature']), extendedKeyUsage([OID.clientAuth]),
 * ] }, signer);
 */
export async function buildCertificate(template: CertificateTemplate, signer: Signer): Promise<Uint8Array> {
  const room = putUnsigned(template, signer.scheme);
  const signing = signer.sign(room.tbs);
  // To await what is there already would cost a turn for each certificate.
  return signing instanceof Uint8Array ? putSignature(room, signing) : putSignature(room, await signing);
}

/** A certificate without its signature, with room around it: the signed part lies where it will be, so that nothing is copied. */
interface Unsigned {
  readonly scheme: SignatureScheme;
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly tbs: Uint8Array;
  /** Where the signed part starts, and where the algorithm behind it ends. */
  readonly start: number;
  readonly end: number;
}

function putUnsigned(template: CertificateTemplate, scheme: SignatureScheme): Unsigned {
  const algorithm = schemeAlgorithm(scheme).der;
  writer.reset(BACK_ROOM);
  writer.put(algorithm);
  putTbs(template, algorithm);
  const start = writer.take(FRONT_ROOM);
  const end = start + writer.length;
  const { buffer } = writer;
  const tbs = new Uint8Array(buffer.buffer, start, end - algorithm.length - start);
  return { scheme, buffer, tbs, start, end };
}

function putSignature({ scheme, buffer, tbs, start, end }: Unsigned, signature: Uint8Array): Uint8Array {
  const bits = 1 + signature.length;
  const signatureOctets = 1 + lengthOctets(bits) + bits;
  const length = end - start + signatureOctets;
  const header = 1 + lengthOctets(length);
  if (signatureOctets > BACK_ROOM || header > FRONT_ROOM) return assembleSigned(tbs, scheme, signature);
  writeHeader(buffer, start - header, TAG.SEQUENCE, length);
  const at = writeHeader(buffer, end, TAG.BIT_STRING, bits);
  // No bit is unused.
  buffer[at] = 0;
  for (let i = 0; i < signature.length; i++) buffer[at + 1 + i] = signature[i] as number;
  return new Uint8Array(buffer.buffer, start - header, header + length);
}
