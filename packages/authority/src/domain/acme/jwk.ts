import { createPublicKey, hash } from 'node:crypto';
import type { JsonWebKeyInput, KeyObject } from 'node:crypto';
import { decodeBase64url } from './base64url.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';

/** The algorithms that a request may be signed with. HMAC is for external account binding only. */
export const signatureAlgorithms = ['ES256', 'ES384', 'EdDSA', 'RS256'] as const;
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** An account's public key. */
export interface AcmeKey {
  /** The one algorithm that it is used with: the key decides, never a header. */
  readonly algorithm: SignatureAlgorithm;
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string;
  /** The JWK with its required members only, in the order of RFC 7638. */
  readonly jwk: string;
  readonly key: KeyObject;
  /** Its SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

type Members = Readonly<Record<string, unknown>>;

/** A member that is base64url of so many octets. */
function octetsOf(members: Members, name: string, length: number): boolean {
  const value = members[name];
  return typeof value === 'string' && decodeBase64url(value)?.length === length;
}

/** What there is to a key: its algorithm, and the members that its thumbprint is taken over. */
function canonical(members: Members): { algorithm: SignatureAlgorithm; required: readonly string[] } | undefined {
  const { kty, crv } = members;
  if (kty === 'EC' && (crv === 'P-256' || crv === 'P-384')) {
    const size = crv === 'P-256' ? 32 : 48;
    if (!octetsOf(members, 'x', size) || !octetsOf(members, 'y', size)) return undefined;
    return { algorithm: crv === 'P-256' ? 'ES256' : 'ES384', required: ['crv', 'kty', 'x', 'y'] };
  }
  if (kty === 'OKP' && crv === 'Ed25519') {
    return octetsOf(members, 'x', 32) ? { algorithm: 'EdDSA', required: ['crv', 'kty', 'x'] } : undefined;
  }
  if (kty === 'RSA' && members['e'] === 'AQAB' && typeof members['n'] === 'string') {
    const modulus = decodeBase64url(members['n']);
    // 2048 to 4096 bits, without a leading zero (RFC 7518, section 6.3.1.1).
    const fits = modulus !== undefined && modulus.length >= 256 && modulus.length <= 512 && (modulus[0] ?? 0) >= 0x80;
    return fits ? { algorithm: 'RS256', required: ['e', 'kty', 'n'] } : undefined;
  }
  return undefined;
}

/** The key of a JWK that is kept in its canonical text. */
export function storedKey({ jwk, thumbprint }: Pick<AcmeKey, 'jwk' | 'thumbprint'>): AcmeOutcome<{ key: AcmeKey }> {
  const before = imported.get(thumbprint);
  return before?.jwk === jwk ? { ok: true, key: before } : readJwk(JSON.parse(jwk));
}

const words = 'a key is P-256, P-384, Ed25519, or RSA of 2048 to 4096 bits with the exponent 65537';

/**
 * Reads a public key (RFC 7517). Refuses with `badPublicKey` what is not one that accounts may have, and with `malformed` one that
 * carries its private half.
 */
export function readJwk(value: unknown): AcmeOutcome<{ key: AcmeKey }> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return deny('malformed', 'jwk is no object');
  const members = value as Members;
  if ('d' in members || 'k' in members) return deny('malformed', 'jwk is not a public key');
  const known = canonical(members);
  if (known === undefined) return deny('badPublicKey', words);
  const jwk = JSON.stringify(Object.fromEntries(known.required.map((name) => [name, members[name]])));
  const thumbprint = hash('sha256', jwk, 'base64url');
  const before = imported.get(thumbprint);
  if (before !== undefined) return { ok: true, key: before };
  try {
    const key = createPublicKey({ key: JSON.parse(jwk) as JsonWebKeyInput['key'], format: 'jwk' });
    const spki = key.export({ type: 'spki', format: 'der' });
    return { ok: true, key: remember({ algorithm: known.algorithm, thumbprint, jwk, key, spki }) };
  } catch {
    // A point that is not on its curve.
    return deny('badPublicKey', words);
  }
}

/** Keys that were imported: that takes as long as checking a signature. Bounded; the oldest goes first. */
const imported = new Map<string, AcmeKey>();
const importedLimit = 2048;

function remember(key: AcmeKey): AcmeKey {
  if (imported.size >= importedLimit) imported.delete(imported.keys().next().value ?? '');
  imported.set(key.thumbprint, key);
  return key;
}
