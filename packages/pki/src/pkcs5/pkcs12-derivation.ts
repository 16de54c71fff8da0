import type { PasswordCrypto, PasswordDigest } from './port.ts';
import { digestSizes } from './port.ts';

/** What the derived octets are for: RFC 7292, appendix B.3. */
export const derivationPurpose = { key: 1, iv: 2, mac: 3 } as const;
export type DerivationPurpose = (typeof derivationPurpose)[keyof typeof derivationPurpose];

/**
 * A password as PKCS#12 wants it: big-endian UTF-16 with a closing zero (RFC 7292, appendix B.1).
 *
 * @example
 * encodeBmpPassword('a'); // 00 61 00 00
 */
export function encodeBmpPassword(password: string): Uint8Array {
  const out = new Uint8Array(password.length * 2 + 2);
  for (let i = 0; i < password.length; i++) {
    const unit = password.charCodeAt(i);
    out[2 * i] = unit >>> 8;
    out[2 * i + 1] = unit & 0xff;
  }
  return out;
}

/**
 * The key derivation of PKCS#12 (RFC 7292, appendix B.2).
 *
 * @param password octets from `encodeBmpPassword`; may be empty
 * @param iterations at least 1; the caller bounds it
 */
export async function derivePkcs12(
  digest: PasswordDigest,
  purpose: DerivationPurpose,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  lengthBytes: number,
  crypto: PasswordCrypto,
): Promise<Uint8Array> {
  const { output: u, block: v } = digestSizes[digest];
  const saltLength = v * Math.ceil(salt.length / v);
  const state = new Uint8Array(v + saltLength + v * Math.ceil(password.length / v));
  state.fill(purpose, 0, v);
  fillRepeating(state.subarray(v, v + saltLength), salt);
  fillRepeating(state.subarray(v + saltLength), password);
  const inner = state.subarray(v);
  const out = new Uint8Array(lengthBytes);
  const repeated = new Uint8Array(v);
  for (let done = 0; done < lengthBytes; done += u) {
    let a: Uint8Array = state;
    for (let i = 0; i < iterations; i++) {
      const next = crypto.digest(digest, a);
      // Awaiting a value that is already there would cost a turn of the event loop per iteration.
      a = next instanceof Promise ? await next : next;
    }
    out.set(a.subarray(0, Math.min(u, lengthBytes - done)), done);
    if (done + u >= lengthBytes) break;
    fillRepeating(repeated, a);
    for (let j = 0; j < inner.length; j += v) addPlusOne(inner.subarray(j, j + v), repeated);
  }
  return out;
}

function fillRepeating(target: Uint8Array, source: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i] = source[i % source.length] ?? 0;
}

/** `block = block + addend + 1`, modulo 2^(8 * length), big-endian. */
function addPlusOne(block: Uint8Array, addend: Uint8Array): void {
  let carry = 1;
  for (let i = block.length - 1; i >= 0; i--) {
    carry += (block[i] ?? 0) + (addend[i] ?? 0);
    block[i] = carry & 0xff;
    carry >>>= 8;
  }
}
