// From a file of any format to the objects in it.
import {
  type Certificate,
  type Crl,
  type Csr,
  parseCertificate,
  parseCrl,
  parseCsr,
  parsePkcs12,
  parsePrivateKey,
  parsePublicKeyInfo,
  pemDecode,
  type Pkcs12,
  PkiError,
  type PrivateKeyInfo,
  readEncryptedPrivateKey,
  type SubjectPublicKeyInfo,
} from '@countersign/pki';
import { nodePasswordCrypto } from '@countersign/trust';

/** One thing found in a file. What could not be read says why, and does not hide the rest. */
export type Found =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'request'; readonly csr: Csr }
  | { readonly kind: 'crl'; readonly crl: Crl }
  | { readonly kind: 'private key'; readonly key: PrivateKeyInfo }
  | { readonly kind: 'encrypted private key'; readonly der: Uint8Array }
  | { readonly kind: 'public key'; readonly spki: SubjectPublicKeyInfo }
  | { readonly kind: 'pkcs12'; readonly contents: Pkcs12 | 'locked' | 'unprotected' }
  | { readonly kind: 'token'; readonly header: unknown; readonly payload: unknown }
  | { readonly kind: 'unknown'; readonly label: string }
  | { readonly kind: 'malformed'; readonly label: string; readonly code: string; readonly detail: string };

/**
 * Reads everything in `bytes`: PEM blocks of any kind, DER, PKCS#12 (with `password`), an enrollment token.
 *
 * @returns nothing when the bytes are none of these.
 */
export async function readAny(bytes: Uint8Array, password: string | undefined): Promise<readonly Found[]> {
  const text = Buffer.from(bytes).toString('latin1');
  if (text.includes('-----BEGIN ')) {
    return pemDecode(text).map(({ label, der }) => attempt(label, () => fromPem(label, der)));
  }
  const token = readToken(text.trim());
  if (token !== undefined) return [token];
  if (bytes[0] !== 0x30) return [];
  return [await readDer(bytes, password)];
}

function fromPem(label: string, der: Uint8Array): Found {
  switch (label) {
    case 'CERTIFICATE':
    case 'X509 CERTIFICATE':
    case 'TRUSTED CERTIFICATE':
      return { kind: 'certificate', certificate: parseCertificate(der) };
    case 'CERTIFICATE REQUEST':
    case 'NEW CERTIFICATE REQUEST':
      return { kind: 'request', csr: parseCsr(der) };
    case 'X509 CRL':
      return { kind: 'crl', crl: parseCrl(der) };
    case 'PRIVATE KEY':
      return { kind: 'private key', key: parsePrivateKey(der) };
    case 'ENCRYPTED PRIVATE KEY':
      readEncryptedPrivateKey(der);
      return { kind: 'encrypted private key', der };
    case 'PUBLIC KEY':
      return { kind: 'public key', spki: parsePublicKeyInfo(der) };
    default:
      return { kind: 'unknown', label };
  }
}

const derReaders: readonly (readonly [string, (der: Uint8Array) => Found])[] = [
  ['certificate', (der) => ({ kind: 'certificate', certificate: parseCertificate(der) })],
  ['request', (der) => ({ kind: 'request', csr: parseCsr(der) })],
  ['crl', (der) => ({ kind: 'crl', crl: parseCrl(der) })],
  ['private key', (der) => ({ kind: 'private key', key: parsePrivateKey(der) })],
  ['encrypted private key', (der) => (readEncryptedPrivateKey(der), { kind: 'encrypted private key', der })],
  ['public key', (der) => ({ kind: 'public key', spki: parsePublicKeyInfo(der) })],
];

async function readDer(der: Uint8Array, password: string | undefined): Promise<Found> {
  // DER does not say what it is: whatever reads it whole is it. The first complaint is the likeliest reader's.
  let complaint: Found | undefined;
  for (const [label, read] of derReaders) {
    const found = attempt(label, () => read(der));
    if (found.kind !== 'malformed') return found;
    complaint ??= found;
  }
  try {
    const parsed = await parsePkcs12(der, password ?? '', nodePasswordCrypto);
    if (parsed.ok) return { kind: 'pkcs12', contents: parsed.pkcs12 };
    return { kind: 'pkcs12', contents: parsed.code === 'pkcs12_password' ? 'locked' : 'unprotected' };
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return complaint ?? { kind: 'malformed', label: 'DER', code: error.code, detail: error.message };
  }
}

function attempt(label: string, read: () => Found): Found {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    return { kind: 'malformed', label, code: error.code, detail: error.message };
  }
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
