/** Signature checks of one search: counted against the budget, each one made once. */

import { verifySignature, type Signed } from '../keys/verify.ts';
import type { Crypto } from '../keys/crypto.ts';
import { equalOctets, toHex } from '../der/octets.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';
import { canVerify, isOfAnotherKind } from './algorithms.ts';

/** What is signed, with its whole encoding as its identity. */
export interface SignedObject extends Signed {
  readonly der: Uint8Array;
}

/**
 * Results of signature checks that outlive one validation. An implementation must tell apart everything that bears on
 * the result: the whole signed object and the whole key.
 */
export interface SignatureCache {
  get(signed: SignedObject, spki: SubjectPublicKeyInfo): boolean | undefined;
  set(signed: SignedObject, spki: SubjectPublicKeyInfo, valid: boolean): void;
}

/**
 * A bounded cache of signature results under SHA-256 digests; the least recently used goes first. Worth it where the
 * same intermediates come again and again: pass one to every validation of a process.
 *
 * @example
 * const signatures = createSignatureCache(nodeCrypto, 4096);
 * buildAndValidate(leaf, { anchors, intermediates, time, crypto: nodeCrypto, signatures });
 */
export function createSignatureCache(crypto: Pick<Crypto, 'digest'>, maxEntries: number): SignatureCache {
  const entries = new Map<string, boolean>();
  const digests = new WeakMap<object, string>();
  const digestOf = (owner: { readonly der: Uint8Array }): string => {
    let digest = digests.get(owner);
    if (digest === undefined) {
      digest = toHex(crypto.digest('sha256', owner.der));
      digests.set(owner, digest);
    }
    return digest;
  };
  return {
    get(signed, spki) {
      const key = digestOf(signed) + digestOf(spki);
      const valid = entries.get(key);
      if (valid !== undefined) {
        entries.delete(key);
        entries.set(key, valid);
      }
      return valid;
    },
    set(signed, spki, valid) {
      entries.set(digestOf(signed) + digestOf(spki), valid);
      if (entries.size <= maxEntries) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
  };
}

/** `uncheckable`: the algorithm or the key is unknown, RSA's parameters do not fit, or the key is too dear to use. */
export type SignatureVerdict = 'valid' | 'invalid' | 'uncheckable' | 'over_budget';

/** Checks signatures with a budget; results within one validation are always kept. */
export class SignatureChecker {
  readonly #crypto: Crypto;
  readonly #cache: SignatureCache | undefined;
  readonly #results = new Map<SignedObject, { readonly key: Uint8Array; readonly valid: boolean }[]>();
  #left: number;
  #spent = 0;

  constructor(crypto: Crypto, cache: SignatureCache | undefined, budget: number) {
    this.#crypto = crypto;
    this.#cache = cache;
    this.#left = budget;
  }

  /** Signatures checked so far, those found in the cache not counted. */
  get spent(): number {
    return this.#spent;
  }

  check(signed: SignedObject, spki: SubjectPublicKeyInfo): SignatureVerdict {
    if (isOfAnotherKind(signed.signatureAlgorithm, spki.key)) return 'invalid';
    if (!canVerify(signed.signatureAlgorithm, spki.key)) return 'uncheckable';
    // Several certificates may hold one key: what counts is the key.
    let results = this.#results.get(signed);
    const known = results?.find(({ key }) => equalOctets(key, spki.der))?.valid ?? this.#cache?.get(signed, spki);
    if (known !== undefined) return known ? 'valid' : 'invalid';
    if (this.#left <= 0) return 'over_budget';
    this.#left -= 1;
    this.#spent += 1;
    const valid = verifySignature(signed, spki, this.#crypto).ok;
    if (results === undefined) {
      results = [];
      this.#results.set(signed, results);
    }
    results.push({ key: spki.der, valid });
    this.#cache?.set(signed, spki, valid);
    return valid ? 'valid' : 'invalid';
  }
}
