import { createPublicKey, hash, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { AsyncVerifier, Crypto, DigestAlgorithm, SignatureScheme } from '@countersign/pki';
import { signingParameters } from './parameters.ts';

const MAX_KEYS = 1024;

interface ImportedKey {
  readonly key: KeyObject;
  readonly type: string;
}

/** Importing a key is dearer than a P-256 check, so keys are kept; of unusable ones the fact that they are. */
const keys = new Map<string, ImportedKey | 'unusable'>();

function importedKey(spkiDer: Uint8Array): ImportedKey | undefined {
  // One character for each octet: the whole encoding is the identity, so two keys are never taken for each other.
  const id = Buffer.from(spkiDer.buffer, spkiDer.byteOffset, spkiDer.byteLength).toString('latin1');
  let imported = keys.get(id);
  if (imported === undefined) {
    imported = tryImport(spkiDer);
    if (keys.size >= MAX_KEYS) {
      for (const oldest of keys.keys()) {
        keys.delete(oldest);
        break;
      }
    }
  } else {
    keys.delete(id);
  }
  keys.set(id, imported);
  return imported === 'unusable' ? undefined : imported;
}

/** All of a P-256 SubjectPublicKeyInfo before its uncompressed point, the 04 of that included (RFC 5480, section 2). */
const p256Prefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const rawP256 = { format: 'raw-public', asymmetricKeyType: 'ec', namedCurve: 'P-256' } as const;

function isP256(spkiDer: Uint8Array): boolean {
  return spkiDer.length === p256Prefix.length + 64 && p256Prefix.equals(spkiDer.subarray(0, p256Prefix.length));
}

function tryImport(spkiDer: Uint8Array): ImportedKey | 'unusable' {
  try {
    const key = isP256(spkiDer)
      ? createPublicKey({ ...rawP256, key: spkiDer.subarray(p256Prefix.length - 1) })
      : createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' });
    return { key, type: key.asymmetricKeyType ?? '' };
  } catch {
    return 'unusable';
  }
}

/**
 * node:crypto as the port of `pki` for signature checks and digests. Imported public keys are kept in a bounded table
 * (the least recently used one leaves) under their whole encoding. Legacy schemes are checked when asked for: not to
 * ask is the caller's policy.
 *
 * @example
 * verifySignature(certificate, issuer.spki, nodeCrypto)
 */
export const nodeCrypto: Crypto = {
  verify(
    scheme: SignatureScheme,
    spkiDer: Uint8Array,
    data: Uint8Array,
    signature: Uint8Array,
    saltLength?: number,
  ): boolean {
    const imported = importedKey(spkiDer);
    const { digest, options, keyTypes } = signingParameters(scheme);
    // Node picks the algorithm by the key: an RSA key would otherwise answer for an ECDSA scheme.
    if (imported === undefined || !keyTypes.includes(imported.type)) return false;
    try {
      const salt = saltLength === undefined ? {} : { saltLength };
      return verify(digest, data, { key: imported.key, ...options, ...salt }, signature);
    } catch {
      return false;
    }
  },

  digest(algorithm: DigestAlgorithm, data: Uint8Array): Uint8Array {
    return new Uint8Array(hash(algorithm, data, 'buffer'));
  },
};

/**
 * node:crypto as a verifier off the main thread. A single check takes longer than `nodeCrypto` does; from a few at once on it leaves
 * the main thread most of its time. Keys are not kept: it is for those that come once, as in certificate requests.
 *
 * @example
 * await verifySignatureElsewhere(csr, csr.spki, threadedVerifier)
 */
export const threadedVerifier: AsyncVerifier = {
  verify(scheme, spkiDer, data, signature, saltLength) {
    const imported = tryImport(spkiDer);
    const { digest, options, keyTypes } = signingParameters(scheme);
    if (imported === 'unusable' || !keyTypes.includes(imported.type)) return Promise.resolve(false);
    const salt = saltLength === undefined ? {} : { saltLength };
    const { promise, resolve } = Promise.withResolvers<boolean>();
    try {
      verify(digest, data, { key: imported.key, ...options, ...salt }, signature, (error, holds) =>
        resolve(error === null && holds),
      );
    } catch {
      resolve(false);
    }
    return promise;
  },
};
