import type { BlockCipher, PasswordCrypto, PasswordDigest } from '../pkcs5/port.ts';
import { sha256 } from './sha256.ts';

const digestNames: Readonly<Partial<Record<PasswordDigest | BlockCipher, string>>> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};

/** Chromium has no AES with 192 bits, and nobody has triple DES. */
const ciphers: readonly (PasswordDigest | BlockCipher)[] = ['aes-128-cbc', 'aes-256-cbc'];

/** A copy whose memory WebCrypto takes: its own, and not shared. */
export function ownOctets(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/**
 * What pki's password-protected formats need, from WebCrypto. There is no scrypt and no triple DES: PKCS#8 is written with PBKDF2, PKCS#12 in
 * the forms `modern` and `pbmac1`, and old files are refused with `password_algorithm_unsupported`.
 *
 * @param crypto `globalThis.crypto`
 *
 * @example
 * const file = await buildPkcs12(contents, password, webPasswordCrypto(crypto));
 */
export function webPasswordCrypto(crypto: Crypto): PasswordCrypto {
  const { subtle } = crypto;
  const aes = (key: Uint8Array, usage: 'encrypt' | 'decrypt'): Promise<CryptoKey> =>
    subtle.importKey('raw', ownOctets(key), 'AES-CBC', false, [usage]);
  return {
    supports: (algorithm) => digestNames[algorithm] !== undefined || ciphers.includes(algorithm),
    pbkdf2: async (digest, password, salt, iterations, lengthBytes) => {
      const key = await subtle.importKey('raw', ownOctets(password), 'PBKDF2', false, ['deriveBits']);
      const parameters = { name: 'PBKDF2', hash: digestNames[digest] ?? '', salt: ownOctets(salt), iterations };
      return new Uint8Array(await subtle.deriveBits(parameters, key, lengthBytes * 8));
    },
    digest: (digest, data) => (digest === 'sha256' ? sha256(data) : asynchronousDigest(subtle, digest, data)),
    hmac: async (digest, key, data) => {
      const algorithm = { name: 'HMAC', hash: digestNames[digest] ?? '' };
      const imported = await subtle.importKey('raw', ownOctets(key), algorithm, false, ['sign']);
      return new Uint8Array(await subtle.sign('HMAC', imported, ownOctets(data)));
    },
    encrypt: async (_cipher, key, iv, plaintext) => {
      const parameters = { name: 'AES-CBC', iv: ownOctets(iv) };
      return new Uint8Array(await subtle.encrypt(parameters, await aes(key, 'encrypt'), ownOctets(plaintext)));
    },
    decrypt: async (_cipher, key, iv, ciphertext) => {
      const imported = await aes(key, 'decrypt');
      try {
        return new Uint8Array(
          await subtle.decrypt({ name: 'AES-CBC', iv: ownOctets(iv) }, imported, ownOctets(ciphertext)),
        );
      } catch {
        // WebCrypto says nothing but OperationError for a wrong length or wrong padding.
        return undefined;
      }
    },
    randomBytes: (lengthBytes) => crypto.getRandomValues(new Uint8Array(lengthBytes)),
  };
}

async function asynchronousDigest(subtle: SubtleCrypto, digest: PasswordDigest, data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await subtle.digest(digestNames[digest] ?? '', ownOctets(data)));
}
