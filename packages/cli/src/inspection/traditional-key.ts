// The forms of private keys that are older than PKCS#8: PKCS#1 for RSA, SEC 1 for EC, and OpenSSL's own encryption of both.
import { createPrivateKey } from 'node:crypto';
import { parsePrivateKey, PkiError, type PrivateKeyInfo } from '@countersign/pki';

/** How PEM labels the two. */
export type TraditionalLabel = 'RSA PRIVATE KEY' | 'EC PRIVATE KEY';

/**
 * A key in its own algorithm's form (RFC 8017 A.1.2, RFC 5915), as PKCS#8 would have it.
 *
 * @throws PkiError `private_key_malformed`
 */
export function readTraditionalKey(label: TraditionalLabel, der: Uint8Array): PrivateKeyInfo {
  const type = label === 'RSA PRIVATE KEY' ? 'pkcs1' : 'sec1';
  let pkcs8: Uint8Array;
  try {
    pkcs8 = createPrivateKey({ key: Buffer.from(der), format: 'der', type }).export({ format: 'der', type: 'pkcs8' });
  } catch {
    throw new PkiError('private_key_malformed', `not a key as ${type === 'pkcs1' ? 'PKCS#1' : 'SEC 1'} has it`);
  }
  return parsePrivateKey(pkcs8);
}

const encrypted = /-----BEGIN ((?:RSA|EC|DSA) PRIVATE KEY)-----\r?\nProc-Type: 4,ENCRYPTED\r?\n.*?-----END \1-----/gsu;

/** Takes out what OpenSSL has encrypted in its old way, which strict PEM (RFC 7468) does not know; how long each was. */
export function takeEncryptedTraditional(text: string): { readonly rest: string; readonly sizes: readonly number[] } {
  const sizes: number[] = [];
  const rest = text.replaceAll(encrypted, (block) => {
    const body = block.split(/\r?\n\r?\n/u)[1]?.replace(/-----END .*/su, '') ?? '';
    sizes.push(Buffer.from(body, 'base64').length);
    return '';
  });
  return { rest, sizes };
}
