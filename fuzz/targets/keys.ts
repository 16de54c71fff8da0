import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPkcs12, decryptPkcs8, encryptPkcs8, parsePkcs12, parsePrivateKey } from '@countersign/pki';
import type { PasswordCrypto, PrivateKeyInfo } from '@countersign/pki';
import { seedsFor, vectorTexts } from '../corpus.ts';
import { comparePrivateKey } from '../oracles/node-crypto.ts';
import type { FuzzTarget } from '../target.ts';
import { isPkiError } from './expected.ts';

const zeros = new Uint8Array(64);

/**
 * Encrypts nothing, derives nothing and takes every MAC of zeros for the right one: mutations reach what a real one would hide, and
 * a file's cost parameters cost nothing but are still judged.
 */
const transparent: PasswordCrypto = {
  supports: () => true,
  pbkdf2: (_digest, _password, _salt, _iterations, lengthBytes) => new Uint8Array(lengthBytes),
  scrypt: (_password, _salt, _cost, lengthBytes) => new Uint8Array(lengthBytes),
  digest: () => zeros,
  hmac: () => zeros.subarray(0, 32),
  encrypt: (_cipher, _key, _iv, plaintext) => plaintext,
  decrypt: (_cipher, _key, _iv, ciphertext) => ciphertext,
  randomBytes: (lengthBytes) => new Uint8Array(lengthBytes),
};

const keys = [
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  generateKeyPairSync('ed25519'),
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
  generateKeyPairSync('ml-dsa-44'),
].map(({ privateKey }) => new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })));

const [ecKey = new Uint8Array()] = keys;
const certificate = new X509Certificate(
  readFileSync(join(import.meta.dirname, '../../packages/pki/test/vectors/pyca/pkcs12/ca/ca.pem')),
).raw;
const encryptedKeys = await Promise.all(
  (['scrypt', 'pbkdf2'] as const).map((kdf) => encryptPkcs8(ecKey, 'fuzz', transparent, { kdf })),
);
const files = await Promise.all(
  (['modern', 'pbmac1', 'legacy'] as const).map((format) =>
    buildPkcs12({ key: ecKey, certificates: [certificate], friendlyName: 'fuzz' }, 'fuzz', transparent, {
      format,
      iterations: 2000,
    }),
  ),
);

export const keyTargets: readonly FuzzTarget[] = [
  {
    name: 'pkcs8',
    form: 'der',
    seeds: () => [...keys, ...seedsFor(['PRIVATE KEY'], parsePrivateKey)],
    run: parsePrivateKey,
    expected: isPkiError,
    compare: (bytes, parsed) => comparePrivateKey(bytes, parsed as PrivateKeyInfo),
  },
  {
    name: 'encrypted-pkcs8',
    form: 'der',
    seeds: () => encryptedKeys,
    run: (bytes) => decryptPkcs8(bytes, 'fuzz', transparent),
    expected: isPkiError,
  },
  {
    name: 'pkcs12',
    form: 'der',
    seeds: () => [...files, ...vectorTexts('.p12')],
    run: (bytes) => parsePkcs12(bytes, 'fuzz', transparent, { integrity: 'optional' }),
    expected: isPkiError,
  },
];
