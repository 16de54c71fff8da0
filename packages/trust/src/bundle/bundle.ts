import { OID, parseCertificate, pemDecode, pemLabelAdvice, PkiError, verifySignature } from '@countersign/pki';
import type { Certificate, Crypto, TrustAnchor } from '@countersign/pki';

import { TrustError } from '../errors.ts';

/** Trust anchors, and intermediates that are known besides: what a listener's `trust` names. */
export interface Bundle {
  readonly name: string;
  readonly anchors: readonly TrustAnchor[];
  readonly intermediates: readonly Certificate[];
  /** Whether these are the CAs of our own authority, whose profile extension is believed. */
  readonly own?: boolean | undefined;
}

/** What is in a file that a bundle is made of. */
export interface BundleFile {
  /** Path or other name, for words. */
  readonly source: string;
  readonly bytes: Uint8Array;
  /** Every certificate in it is an anchor, also where it is not self-signed. */
  readonly anchorsOnly?: boolean | undefined;
}

const MAX_FILE_BYTES = 16 * 1024 * 1024;

/**
 * Makes a bundle of the contents of trust files: PEM (CERTIFICATE blocks only) or one DER certificate each. Self-signed
 * certificates become anchors, others intermediates.
 *
 * @throws TrustError `trust_file_…` for whatever is wrong: a bundle that trusts less, or more, than was written is none.
 */
export function makeBundle(name: string, files: readonly BundleFile[], crypto: Crypto): Bundle {
  const anchors = new Map<string, TrustAnchor>();
  const intermediates = new Map<string, Certificate>();
  for (const file of files) {
    for (const certificate of readCertificates(file)) {
      const key = Buffer.from(certificate.der).toString('base64');
      if (file.anchorsOnly === true || isSelfSigned(certificate, crypto)) anchors.set(key, anchorOf(certificate));
      else intermediates.set(key, certificate);
    }
  }
  if (anchors.size === 0) {
    const sources = files.map((file) => file.source).join(', ');
    throw new TrustError('trust_file_no_anchor', 'holds no self-signed CA certificate', { source: sources });
  }
  for (const key of anchors.keys()) intermediates.delete(key);
  return { name, anchors: [...anchors.values()], intermediates: [...intermediates.values()] };
}

/** The trust anchor that a CA certificate stands for. */
export function anchorOf(certificate: Certificate): TrustAnchor {
  return { name: certificate.subject, spki: certificate.spki, certificate };
}

/** Whether a certificate is signed with its own key. */
export function isSelfSigned(certificate: Certificate, crypto: Crypto): boolean {
  return (
    certificate.subject.key === certificate.issuer.key && verifySignature(certificate, certificate.spki, crypto).ok
  );
}

/**
 * Reads certificates that may speak about the revocation of others though they are no CAs: signers of indirect CRLs (keyUsage
 * cRLSign) and OCSP responders (extendedKeyUsage OCSPSigning).
 *
 * @throws TrustError `trust_file_…`
 */
export function readSigners(file: BundleFile): Certificate[] {
  return readCertificates(file, (der) => {
    const certificate = parseCertificate(der);
    if (!maySignCrls(certificate) && !mayAnswer(certificate)) {
      throw new TrustError('trust_file_not_signer', 'holds a certificate for neither cRLSign nor OCSPSigning', {
        source: file.source,
      });
    }
    return certificate;
  });
}

/** Whether a certificate says that its key may sign CRLs. */
export function maySignCrls({ keyUsage }: Certificate): boolean {
  return keyUsage?.has('cRLSign') === true;
}

/** Whether a certificate says that its key may sign OCSP answers. */
export function mayAnswer({ extendedKeyUsage }: Certificate): boolean {
  return extendedKeyUsage?.includes(OID.ocspSigning) === true;
}

function readCertificates(
  { source, bytes }: BundleFile,
  read: (der: Uint8Array) => Certificate = (der) => readCa(source, der),
): Certificate[] {
  if (bytes.length > MAX_FILE_BYTES) throw new TrustError('trust_file_too_large', 'is larger than 16 MiB', { source });
  if (bytes.every(isBlank)) throw new TrustError('trust_file_empty', 'is empty', { source });
  try {
    const encodings = bytes[0] === 0x30 ? [bytes] : readPem(source, bytes);
    return encodings.map(read);
  } catch (error) {
    if (error instanceof PkiError)
      throw new TrustError('trust_file_malformed', error.message, { source, cause: error });
    throw error;
  }
}

function readPem(source: string, bytes: Uint8Array): Uint8Array[] {
  const blocks = pemDecode(bytes);
  if (blocks.length === 0) throw new TrustError('trust_file_empty', 'holds no certificate', { source });
  const other = blocks.find((block) => block.label !== 'CERTIFICATE');
  if (other !== undefined) {
    const advice = pemLabelAdvice(other.label);
    const detail = `holds a PEM block of the label ${other.label}${advice === undefined ? '' : ` (${advice})`}`;
    throw new TrustError('trust_file_wrong_label', detail, { source });
  }
  return blocks.map((block) => block.der);
}

function readCa(source: string, der: Uint8Array): Certificate {
  const certificate = parseCertificate(der);
  // Certificates of version 1 have no basicConstraints; old roots are of version 1.
  if (certificate.version === 3 && certificate.basicConstraints?.ca !== true) {
    throw new TrustError('trust_file_not_ca', 'holds a certificate that is not of a CA', { source });
  }
  return certificate;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
