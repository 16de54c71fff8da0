import {
  constants,
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { EnvelopeCrypto } from '@countersign/pki';
import { spkiOf } from './node-keys.ts';

/** The default initial value of AES key wrap (RFC 3394, section 2.2.3.1). */
const wrapInitialValue = Buffer.alloc(8, 0xa6);

function publicKeyOf(spkiDer: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' });
}

/**
 * What encryption to somebody's certificate (CMS EnvelopedData) needs, from node:crypto. A key that is none, as a point off its curve,
 * makes it throw.
 *
 * @example
 * const envelope = await buildEnvelopedData({ contentType: CMS_OID.data, content }, certificate, nodeEnvelopeCrypto);
 */
export const nodeEnvelopeCrypto: EnvelopeCrypto = {
  randomBytes: (lengthBytes) => randomBytes(lengthBytes),
  digest: (algorithm, data) => hash(algorithm, data, 'buffer'),
  encrypt: (cipher, key, iv, plaintext) => {
    const stream = createCipheriv(cipher, key, iv);
    return Buffer.concat([stream.update(plaintext), stream.final()]);
  },
  wrapKey: (wrappingKey, key) => {
    const stream = createCipheriv('aes256-wrap', wrappingKey, wrapInitialValue);
    return Buffer.concat([stream.update(key), stream.final()]);
  },
  encryptOaep: (spkiDer, plaintext) =>
    publicEncrypt(
      { key: publicKeyOf(spkiDer), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
      plaintext,
    ),
  agree: (spkiDer) => {
    const theirs = publicKeyOf(spkiDer);
    const namedCurve = theirs.asymmetricKeyDetails?.namedCurve ?? '';
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    return { spki: spkiOf(publicKey), secret: diffieHellman({ privateKey, publicKey: theirs }) };
  },
};
