import { DerReader } from '../der/reader.ts';
import { contextConstructed, contextPrimitive, TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import { OID } from '../x509/oids.ts';

export type PrivateKeyKind =
  | { readonly type: 'rsa'; readonly bits: number }
  | { readonly type: 'ec'; readonly curve: 'P-256' | 'P-384' | 'P-521' }
  | { readonly type: 'ed25519' }
  | { readonly type: 'ml-dsa'; readonly parameterSet: 44 | 65 | 87 }
  | { readonly type: 'unknown' };

const curves = {
  [OID.p256]: { curve: 'P-256', octets: 32 },
  [OID.p384]: { curve: 'P-384', octets: 48 },
  [OID.p521]: { curve: 'P-521', octets: 66 },
} as const;

const mlDsa = {
  [OID.mlDsa44]: { parameterSet: 44, expandedOctets: 2560 },
  [OID.mlDsa65]: { parameterSet: 65, expandedOctets: 4032 },
  [OID.mlDsa87]: { parameterSet: 87, expandedOctets: 4896 },
} as const;

function malformed(detail: string): PkiError {
  return new PkiError('private_key_malformed', detail);
}

/**
 * Checks the octets of a private key against their algorithm and says what kind of key it is.
 *
 * @throws PkiError `private_key_malformed` or a `der_…` code
 */
export function checkPrivateKey(algorithm: AlgorithmIdentifier, privateKey: Uint8Array): PrivateKeyKind {
  switch (algorithm.oid) {
    case OID.rsaEncryption:
    case OID.rsassaPss:
      return checkRsa(privateKey);
    case OID.ecPublicKey:
      return checkEc(algorithm, privateKey);
    case OID.ed25519:
      return checkEd25519(algorithm, privateKey);
    case OID.mlDsa44:
    case OID.mlDsa65:
    case OID.mlDsa87:
      return checkMlDsa(algorithm.oid, algorithm, privateKey);
    default:
      return { type: 'unknown' };
  }
}

/** RFC 8017, appendix A.1.2, two primes. */
function checkRsa(privateKey: Uint8Array): PrivateKeyKind {
  const reader = new DerReader(privateKey);
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.smallInteger() !== 0) throw malformed('RSA with more than two primes');
  let bits = 0;
  for (let i = 0; i < 8; i++) {
    reader.integer();
    const first = reader.bytes[reader.from] ?? 0;
    if (first >= 0x80) throw malformed('a negative number in an RSA key');
    // Modulus first; a leading zero octet is only there before a high bit.
    if (i === 0) bits = first === 0 ? (reader.to - reader.from - 1) * 8 : bitLength(first, reader.to - reader.from);
  }
  reader.leave(outer);
  reader.finish();
  return { type: 'rsa', bits };
}

function bitLength(first: number, octets: number): number {
  return (octets - 1) * 8 + 32 - Math.clz32(first);
}

/** RFC 5915, section 3; the curve stands in the algorithm (RFC 5480, section 2.1.1). */
function checkEc(algorithm: AlgorithmIdentifier, privateKey: Uint8Array): PrivateKeyKind {
  if (algorithm.parameters?.[0] !== TAG.OID) throw malformed('an EC key without a named curve');
  const curve: { curve: 'P-256' | 'P-384' | 'P-521'; octets: number } | undefined =
    curves[new DerReader(algorithm.parameters).oidText() as keyof typeof curves];
  if (curve === undefined) return { type: 'unknown' };
  const reader = new DerReader(privateKey);
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.smallInteger() !== 1) throw malformed('version of an EC key');
  reader.octetString();
  if (reader.to - reader.from !== curve.octets) throw malformed('length of an EC key');
  if (reader.peek() === contextConstructed(0)) {
    const inner = reader.enter(contextConstructed(0));
    const named = reader.anyDer();
    reader.leave(inner);
    if (!sameOctets(named, algorithm.parameters)) throw malformed('two different curves in an EC key');
  }
  if (reader.peek() === contextConstructed(1)) {
    const inner = reader.enter(contextConstructed(1));
    reader.bitOctets();
    reader.leave(inner);
  }
  reader.leave(outer);
  reader.finish();
  return { type: 'ec', curve: curve.curve };
}

/** RFC 8410, section 7: an OCTET STRING within the OCTET STRING, no parameters. */
function checkEd25519(algorithm: AlgorithmIdentifier, privateKey: Uint8Array): PrivateKeyKind {
  if (algorithm.parameters !== undefined) throw malformed('parameters of an Ed25519 key');
  const reader = new DerReader(privateKey);
  reader.octetString();
  if (reader.to - reader.from !== 32) throw malformed('length of an Ed25519 key');
  reader.finish();
  return { type: 'ed25519' };
}

/** RFC 9881, section 6: the seed, the expanded key, or both. */
function checkMlDsa(oid: keyof typeof mlDsa, algorithm: AlgorithmIdentifier, privateKey: Uint8Array): PrivateKeyKind {
  if (algorithm.parameters !== undefined) throw malformed('parameters of an ML-DSA key');
  const { parameterSet, expandedOctets } = mlDsa[oid];
  const reader = new DerReader(privateKey);
  const seed = (tag: number): void => {
    reader.octetString(tag);
    if (reader.to - reader.from !== 32) throw malformed('length of an ML-DSA seed');
  };
  const expanded = (): void => {
    reader.octetString();
    if (reader.to - reader.from !== expandedOctets) throw malformed('length of an expanded ML-DSA key');
  };
  if (reader.peek() === contextPrimitive(0)) seed(contextPrimitive(0));
  else if (reader.peek() === TAG.OCTET_STRING) expanded();
  else {
    const outer = reader.enter(TAG.SEQUENCE);
    seed(TAG.OCTET_STRING);
    expanded();
    reader.leave(outer);
  }
  reader.finish();
  return { type: 'ml-dsa', parameterSet };
}

/** Of public parameters: it takes no care of time. */
function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}
