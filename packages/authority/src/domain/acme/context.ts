import type { ProfileName } from '@countersign/protocol';
import type { IssuanceContext } from '../issue.ts';
import { encodeBase64url } from './base64url.ts';
import type { Nonces } from './nonces.ts';
import type { RateLimits } from './rate-limits.ts';

/** What an authority offers by ACME. */
export interface AcmePolicy {
  /** No account without an external account key. */
  readonly requireEab: boolean;
  /** Which profiles there are; `server` alone needs no external account key. */
  readonly profiles: readonly ProfileName[];
  /** What accounts have to agree to. */
  readonly termsOfService?: string | undefined;
}

/** Seals the MAC keys of external accounts. */
export interface SecretSeal {
  seal(secret: Uint8Array, boundTo: string): Uint8Array;
  /** Undefined where it was not sealed here for `boundTo`. */
  open(sealed: Uint8Array, boundTo: string): Uint8Array | undefined;
}

/** What ACME needs beside issuance. */
export interface AcmeContext extends IssuanceContext {
  readonly policy: AcmePolicy;
  readonly nonces: Nonces;
  readonly secrets: SecretSeal;
  readonly limits: RateLimits;
}

/** What a request was signed as, and where it came from. */
export interface Source {
  /** The peer's address, for rate limits. */
  readonly address: string;
}

/**
 * The id of an order: nobody can guess it, and it begins with the time. Those who are placed together lie together in the store, so that
 * a commit writes few pages.
 */
export function newOrderId({ random, clock }: Pick<AcmeContext, 'random' | 'clock'>): string {
  const octets = Buffer.alloc(6 + 15);
  octets.writeUIntBE(clock(), 0, 6);
  octets.set(random(15), 6);
  return encodeBase64url(octets);
}

/** An id that nobody can guess. */
export function newId(context: Pick<AcmeContext, 'random'>): string {
  return encodeBase64url(context.random(16));
}
