import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type {
  Certificate,
  PrivateKeyInfo,
  PrivateKeyKind,
  PublicKeyKind,
  SubjectPublicKeyInfo,
} from '@countersign/pki';
import { accepted, Differences } from './differences.ts';

/** OpenSSL, through node:crypto, reads the same certificate. */
export function compareCertificate(bytes: Uint8Array, ours: Certificate): string | undefined {
  const theirs = accepted(() => new X509Certificate(bytes));
  if (theirs === undefined) return undefined;
  const differences = new Differences();
  differences.same('the encoding', ours.der, new Uint8Array(theirs.raw));
  if ((ours.serialNumber[0] ?? 0) < 0x80) {
    differences.same('serialNumber', ours.serialHex, theirs.serialNumber.toLowerCase().padStart(2, '0'));
  }
  differences.same('notBefore', ours.notBefore, theirs.validFromDate.getTime());
  differences.same('notAfter', ours.notAfter, theirs.validToDate.getTime());
  const key = accepted(() => theirs.publicKey);
  if (key !== undefined) differences.same('the key', kindOf(ours.spki.key), kindOfKeyObject(key));
  return differences.result;
}

/** OpenSSL reads the same public key. */
export function comparePublicKey(bytes: Uint8Array, ours: SubjectPublicKeyInfo): string | undefined {
  const key = accepted(() => createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' }));
  if (key === undefined) return undefined;
  const differences = new Differences();
  differences.same('the key', kindOf(ours.key), kindOfKeyObject(key));
  return differences.result;
}

/** OpenSSL reads the same private key. */
export function comparePrivateKey(bytes: Uint8Array, ours: PrivateKeyInfo): string | undefined {
  const key = accepted(() => createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' }));
  if (key === undefined) return undefined;
  const differences = new Differences();
  differences.same('the key', kindOf(ours.kind), kindOfKeyObject(key));
  return differences.result;
}

/** One word for a kind of key; none for those that we do not tell apart. */
function kindOf(key: PublicKeyKind | PrivateKeyKind): string {
  switch (key.type) {
    case 'ec':
      return key.curve;
    case 'rsa':
      return `RSA-${key.bits}`;
    case 'ed25519':
      return 'Ed25519';
    case 'ml-dsa':
      return `ML-DSA-${key.parameterSet}`;
    default:
      return 'other';
  }
}

const curveNames: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function kindOfKeyObject(key: KeyObject): string {
  const type = key.asymmetricKeyType ?? '';
  const details = key.asymmetricKeyDetails ?? {};
  if (type === 'ec') return curveNames[details.namedCurve ?? ''] ?? 'other';
  if (type === 'rsa' || type === 'rsa-pss') return `RSA-${details.modulusLength ?? 0}`;
  if (type === 'ed25519') return 'Ed25519';
  if (type.startsWith('ml-dsa-')) return type.toUpperCase();
  return 'other';
}
