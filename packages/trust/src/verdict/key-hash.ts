import { hash } from 'node:crypto';

import type { SubjectPublicKeyInfo } from '@countersign/pki';

/** SHA-256 as lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

const known = new WeakMap<SubjectPublicKeyInfo, string>();

/** SHA-256 of a SubjectPublicKeyInfo as lower-case hex: how an issuing CA is named in feed and index. */
export function keyHash(spki: SubjectPublicKeyInfo): string {
  let hex = known.get(spki);
  if (hex === undefined) {
    hex = sha256Hex(spki.der);
    known.set(spki, hex);
  }
  return hex;
}
