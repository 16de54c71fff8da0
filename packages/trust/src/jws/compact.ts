import { createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { parseCertificate, PkiError } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';

import { jwsAlgorithm } from './algorithms.ts';

/** What a verified JWS says, and the certificates it came with; who they are is the caller's to judge. */
export interface VerifiedJws {
  readonly payload: Record<string, unknown>;
  /** `x5c`: the signer first. */
  readonly chain: readonly [Certificate, ...Certificate[]];
}

const MAX_LENGTH = 1024 * 1024;
const MAX_CHAIN = 8;
const BASE64URL = /^[\w-]+$/;

/**
 * Signs a statement as a compact JWS (RFC 7515) whose header carries the signer's certificates.
 *
 * @param statement.typ what kind of statement it is, so that none passes for another.
 * @throws TypeError for a key that signs no JWS.
 */
export function signJws(
  statement: { readonly typ: string; readonly payload: Record<string, unknown> },
  signer: { readonly key: KeyObject; readonly chain: readonly Uint8Array[] },
): string {
  const algorithm = jwsAlgorithm(signer.key);
  if (algorithm === undefined) throw new TypeError('this kind of key signs no JWS');
  const x5c = signer.chain.map((der) => Buffer.from(der).toString('base64'));
  const input = `${encode({ alg: algorithm.name, typ: statement.typ, x5c })}.${encode(statement.payload)}`;
  const signature = sign(algorithm.digest, Buffer.from(input), { key: signer.key, ...algorithm.options });
  return `${input}.${signature.toString('base64url')}`;
}

/**
 * Verifies a compact JWS under the key of its first certificate. Undefined for whatever is wrong with it: other `typ`, no
 * certificate, an algorithm that is not the key's, a signature that does not verify, critical headers.
 */
export function verifyJws(text: string, typ: string): VerifiedJws | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [head, body, tail, rest] = text.split('.');
  if (head === undefined || body === undefined || tail === undefined || rest !== undefined) return undefined;
  if (!BASE64URL.test(tail)) return undefined;
  const header = decode(head);
  const payload = decode(body);
  if (header === undefined || payload === undefined || header['typ'] !== typ || 'crit' in header) return undefined;
  const chain = readChain(header['x5c']);
  if (chain === undefined) return undefined;
  try {
    const key = createPublicKey({ key: Buffer.from(chain[0].spki.der), format: 'der', type: 'spki' });
    const algorithm = jwsAlgorithm(key);
    if (algorithm === undefined || algorithm.name !== header['alg']) return undefined;
    const input = Buffer.from(`${head}.${body}`);
    const signature = Buffer.from(tail, 'base64url');
    const good = verify(algorithm.digest, input, { key, ...algorithm.options }, signature);
    return good ? { payload, chain } : undefined;
  } catch {
    // A key that OpenSSL cannot read has signed nothing.
    return undefined;
  }
}

function readChain(x5c: unknown): [Certificate, ...Certificate[]] | undefined {
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > MAX_CHAIN) return undefined;
  try {
    const chain = x5c.map((text) => parseCertificate(Buffer.from(String(text), 'base64')));
    const [first, ...others] = chain;
    return first === undefined ? undefined : [first, ...others];
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): Record<string, unknown> | undefined {
  if (!BASE64URL.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
