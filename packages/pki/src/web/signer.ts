import { sequence, unsignedInteger } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import type { Signer } from '../keys/crypto.ts';
import { defaultScheme } from '../keys/scheme.ts';
import { parsePublicKeyInfo } from '../x509/public-key.ts';
import { ownOctets } from './password-crypto.ts';

/** Kinds of keys that every current browser makes. */
export const WEB_KEY_KINDS = ['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096'] as const;

export type WebKeyKind = (typeof WEB_KEY_KINDS)[number];

const curves = { p256: 'P-256', p384: 'P-384', p521: 'P-521' } as const;
const rsaBits = { rsa2048: 2048, rsa3072: 3072, rsa4096: 4096 } as const;

/**
 * Makes a key pair with WebCrypto, whose private half can be taken out (for a PKCS#12 file, say).
 *
 * @param crypto `globalThis.crypto`
 *
 * @example
 * const keyPair = await generateWebKeyPair('p256', crypto);
 */
export async function generateWebKeyPair(kind: WebKeyKind, crypto: Crypto): Promise<CryptoKeyPair> {
  const { subtle } = crypto;
  switch (kind) {
    case 'p256':
    case 'p384':
    case 'p521':
      return subtle.generateKey({ name: 'ECDSA', namedCurve: curves[kind] }, true, ['sign', 'verify']);
    case 'ed25519':
      return subtle.generateKey('Ed25519', true, ['sign', 'verify']);
    default: {
      const publicExponent = Uint8Array.of(1, 0, 1);
      const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: rsaBits[kind], publicExponent, hash: 'SHA-256' };
      return subtle.generateKey(algorithm, true, ['sign', 'verify']);
    }
  }
}

const digests = { 'ecdsa-sha256': 'SHA-256', 'ecdsa-sha384': 'SHA-384', 'ecdsa-sha512': 'SHA-512' } as const;

/**
 * A signer over a WebCrypto key pair, for `buildCsr` and `buildCertificate`.
 *
 * @throws PkiError `key_unsupported` for a kind of key that signs nothing here
 *
 * @example
 * const csr = await buildCsr({ subject }, await webSigner(keyPair, crypto));
 */
export async function webSigner(keyPair: CryptoKeyPair, crypto: Crypto): Promise<Signer> {
  const { subtle } = crypto;
  const spki = new Uint8Array(await subtle.exportKey('spki', keyPair.publicKey));
  const scheme = defaultScheme(parsePublicKeyInfo(spki).key);
  switch (scheme) {
    case 'ecdsa-sha256':
    case 'ecdsa-sha384':
    case 'ecdsa-sha512': {
      const parameters = { name: 'ECDSA', hash: digests[scheme] };
      const sign = async (data: Uint8Array): Promise<Uint8Array> =>
        derSignature(new Uint8Array(await subtle.sign(parameters, keyPair.privateKey, ownOctets(data))));
      return { spki, scheme, sign };
    }
    case 'ed25519':
    case 'rsa-pkcs1-sha256': {
      const name = scheme === 'ed25519' ? 'Ed25519' : 'RSASSA-PKCS1-v1_5';
      const sign = async (data: Uint8Array): Promise<Uint8Array> =>
        new Uint8Array(await subtle.sign(name, keyPair.privateKey, ownOctets(data)));
      return { spki, scheme, sign };
    }
    default:
      throw new PkiError('key_unsupported', scheme ?? 'of this kind');
  }
}

/** WebCrypto gives r and s one after the other; X.509 wants them as a SEQUENCE of INTEGERs (RFC 3279, section 2.2.3). */
function derSignature(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return sequence(unsignedInteger(raw.subarray(0, half)), unsignedInteger(raw.subarray(half)));
}
