// From a file of any format to the objects in it.
import {
  type Certificate,
  type Crl,
  type Csr,
  DerReader,
  type OcspRequest,
  type OcspResponse,
  parseCertificate,
  parseCertsOnly,
  parseCrl,
  parseCsr,
  parseOcspRequest,
  parseOcspResponse,
  parsePkcs12,
  parsePrivateKey,
  parsePublicKeyInfo,
  pemDecode,
  type Pkcs12,
  PkiError,
  type PrivateKeyInfo,
  readEncryptedPrivateKey,
  type SubjectPublicKeyInfo,
  TRUSTED_CERTIFICATE,
} from '@countersign/pki';
import { nodePasswordCrypto } from '@countersign/trust';
import { readTraditionalKey, takeEncryptedTraditional } from './traditional-key.ts';

/** One thing found in a file. What could not be read says why, and does not hide the rest. */
export type Found =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'request'; readonly csr: Csr }
  | { readonly kind: 'crl'; readonly crl: Crl }
  | { readonly kind: 'private key'; readonly key: PrivateKeyInfo }
  | { readonly kind: 'encrypted private key'; readonly bytes: number }
  | { readonly kind: 'public key'; readonly spki: SubjectPublicKeyInfo }
  | { readonly kind: 'pkcs12'; readonly contents: Pkcs12 | 'locked' | 'unprotected' }
  | { readonly kind: 'pkcs7'; readonly certificates: number; readonly crls: number }
  | { readonly kind: 'ocsp request'; readonly request: OcspRequest }
  | { readonly kind: 'ocsp response'; readonly response: OcspResponse }
  | { readonly kind: 'token'; readonly header: unknown; readonly payload: unknown }
  | { readonly kind: 'unknown'; readonly label: string }
  | { readonly kind: 'malformed'; readonly label: string; readonly code: string; readonly detail: string };

/**
 * Reads everything in `bytes`: PEM blocks of any kind, DER, PKCS#12 (with `password`), PKCS#7, OCSP messages, an enrollment
 * token. What lies in a PKCS#12 or PKCS#7 follows it.
 *
 * @returns nothing when the bytes are none of these.
 */
export async function readAny(bytes: Uint8Array, password: string | undefined): Promise<readonly Found[]> {
  const text = Buffer.from(bytes).toString('latin1');
  if (text.includes('-----BEGIN ')) return readPem(text);
  const token = readToken(text.trim());
  if (token !== undefined) return [token];
  if (bytes[0] !== 0x30) return [];
  return readDer(bytes, password);
}

function readPem(text: string): readonly Found[] {
  const { rest, sizes } = takeEncryptedTraditional(text);
  const locked = sizes.map((size): Found => ({ kind: 'encrypted private key', bytes: size }));
  try {
    return [...pemDecode(rest).flatMap(({ label, der }) => attempt(label, () => fromPem(label, der))), ...locked];
  } catch (error) {
    return [malformed('PEM', error)];
  }
}

function fromPem(label: string, der: Uint8Array): readonly Found[] {
  switch (label) {
    case 'CERTIFICATE':
    case 'X509 CERTIFICATE':
      return derReaders.certificate(der);
    case TRUSTED_CERTIFICATE:
      // Behind the certificate stands what OpenSSL trusts it for.
      return derReaders.certificate(new DerReader(der).anyDer());
    case 'CERTIFICATE REQUEST':
    case 'NEW CERTIFICATE REQUEST':
      return derReaders.request(der);
    case 'X509 CRL':
      return derReaders.crl(der);
    case 'PRIVATE KEY':
      return derReaders['private key'](der);
    case 'ENCRYPTED PRIVATE KEY':
      return derReaders['encrypted private key'](der);
    case 'PUBLIC KEY':
      return derReaders['public key'](der);
    case 'PKCS7':
    case 'CMS':
      return derReaders.pkcs7(der);
    case 'RSA PRIVATE KEY':
    case 'EC PRIVATE KEY':
      return [{ kind: 'private key', key: readTraditionalKey(label, der) }];
    default:
      return [{ kind: 'unknown', label }];
  }
}

// In the order in which DER without a label is tried.
const derReaders = {
  certificate: (der: Uint8Array) => [{ kind: 'certificate', certificate: parseCertificate(der) }],
  request: (der: Uint8Array) => [{ kind: 'request', csr: parseCsr(der) }],
  crl: (der: Uint8Array) => [{ kind: 'crl', crl: parseCrl(der) }],
  'private key': (der: Uint8Array) => [{ kind: 'private key', key: parsePrivateKey(der) }],
  'encrypted private key': (der: Uint8Array) => {
    readEncryptedPrivateKey(der);
    return [{ kind: 'encrypted private key', bytes: der.length }];
  },
  'public key': (der: Uint8Array) => [{ kind: 'public key', spki: parsePublicKeyInfo(der) }],
  pkcs7: readPkcs7,
  'ocsp response': (der: Uint8Array) => [{ kind: 'ocsp response', response: parseOcspResponse(der) }],
  'ocsp request': (der: Uint8Array) => [{ kind: 'ocsp request', request: parseOcspRequest(der) }],
  'RSA private key': (der: Uint8Array) => [{ kind: 'private key', key: readTraditionalKey('RSA PRIVATE KEY', der) }],
  'EC private key': (der: Uint8Array) => [{ kind: 'private key', key: readTraditionalKey('EC PRIVATE KEY', der) }],
} satisfies Record<string, (der: Uint8Array) => readonly Found[]>;

function readPkcs7(bytes: Uint8Array): readonly Found[] {
  const { certificates, crls } = parseCertsOnly(bytes);
  return [
    { kind: 'pkcs7', certificates: certificates.length, crls: crls.length },
    ...certificates.flatMap((der) => attempt('certificate', () => derReaders.certificate(der))),
    ...crls.flatMap((der) => attempt('crl', () => derReaders.crl(der))),
  ];
}

async function readDer(der: Uint8Array, password: string | undefined): Promise<readonly Found[]> {
  // DER does not say what it is: whatever reads it whole is it. The first complaint is the likeliest reader's.
  let complaint: Found | undefined;
  for (const [label, read] of Object.entries(derReaders)) {
    const found = attempt(label, () => read(der));
    if (found[0]?.kind !== 'malformed') return found;
    complaint ??= found[0];
  }
  try {
    const parsed = await parsePkcs12(der, password ?? '', nodePasswordCrypto);
    if (!parsed.ok) return [{ kind: 'pkcs12', contents: parsed.code === 'pkcs12_password' ? 'locked' : 'unprotected' }];
    const { certificates } = parsed.pkcs12;
    const inside = certificates.flatMap((one) => attempt('certificate', () => derReaders.certificate(one.der)));
    return [{ kind: 'pkcs12', contents: parsed.pkcs12 }, ...inside];
  } catch (error) {
    return [complaint ?? malformed('DER', error)];
  }
}

function attempt(label: string, read: () => readonly Found[]): readonly Found[] {
  try {
    return read();
  } catch (error) {
    return [malformed(label, error)];
  }
}

function malformed(label: string, error: unknown): Found {
  if (!(error instanceof PkiError)) throw error;
  return { kind: 'malformed', label, code: error.code, detail: error.message };
}

function readToken(text: string): Found | undefined {
  const parts = /^([\w-]+)\.([\w-]+)\.[\w-]+$/u.exec(text);
  if (parts === null) return undefined;
  try {
    const [header, payload] = [parts[1], parts[2]].map(
      (part) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8')) as unknown,
    );
    return { kind: 'token', header, payload };
  } catch {
    return undefined;
  }
}
