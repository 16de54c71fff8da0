import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  pbkdf2 as pbkdf2Callback,
  randomBytes,
  scrypt as scryptCallback,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { PasswordCrypto, ScryptCost } from '@countersign/pki';

const pbkdf2 = promisify(pbkdf2Callback);
const scrypt = promisify<Uint8Array, Uint8Array, number, ScryptCost & { maxmem: number }, Buffer>(scryptCallback);

/**
 * What pki's password-protected formats (PKCS#8, PKCS#12) need, from node:crypto. The derivations run on libuv's threads and leave the
 * event loop free.
 *
 * @example
 * const der = await encryptPkcs8(key.export({ type: 'pkcs8', format: 'der' }), passphrase, nodePasswordCrypto);
 */
export const nodePasswordCrypto: PasswordCrypto = {
  supports: () => true,
  pbkdf2: (digest, password, salt, iterations, lengthBytes) => pbkdf2(password, salt, iterations, lengthBytes, digest),
  // OpenSSL counts a little more than 128 * N * r; pki has bounded the cost before it comes here.
  scrypt: (password, salt, cost, lengthBytes) =>
    scrypt(password, salt, lengthBytes, { ...cost, maxmem: 128 * cost.r * (cost.N + cost.p + 2) + 4096 }),
  digest: (digest, data) => hash(digest, data, 'buffer'),
  hmac: (digest, key, data) => createHmac(digest, key).update(data).digest(),
  encrypt: (cipher, key, iv, plaintext) => {
    const stream = createCipheriv(cipher, key, iv);
    return Buffer.concat([stream.update(plaintext), stream.final()]);
  },
  decrypt: (cipher, key, iv, ciphertext) => {
    const stream = createDecipheriv(cipher, key, iv);
    try {
      return Buffer.concat([stream.update(ciphertext), stream.final()]);
    } catch {
      // final() throws for a wrong length or wrong padding, and for nothing else here.
      return undefined;
    }
  },
  randomBytes: (lengthBytes) => randomBytes(lengthBytes),
};
