import { SdkError } from '../errors.ts';

/** A name that a token is for. */
export interface TokenName {
  readonly type: 'dns' | 'ip' | 'uri' | 'email';
  readonly value: string;
}

/** What the holder of an enrollment token reads in it; only the authority can check its signature. */
export interface EnrollmentToken {
  /** The common name. */
  readonly name: string;
  readonly profile: string;
  readonly sans: readonly TokenName[];
  /** SHA-256 of the root certificate: lower-case hex. */
  readonly rootFingerprint: string;
  /** The authority's base URL, where the token is redeemed. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const AUDIENCE = 'countersign-enroll';

/**
 * Reads an enrollment token (a JWT).
 *
 * @throws SdkError `token_malformed`
 */
export function readToken(text: string): EnrollmentToken {
  const parts = text.trim().split('.');
  const payload = parts.length === 3 ? decode(parts[1] ?? '') : undefined;
  if (payload === undefined) throw new SdkError('token_malformed', 'this is no enrollment token');
  const { aud, sub, profile, sans, root, url, exp } = payload;
  const isWhole =
    aud === AUDIENCE &&
    typeof sub === 'string' &&
    typeof profile === 'string' &&
    Array.isArray(sans) &&
    sans.every(isName) &&
    typeof root === 'string' &&
    /^[0-9a-f]{64}$/.test(root) &&
    typeof url === 'string' &&
    typeof exp === 'number';
  if (!isWhole) throw new SdkError('token_malformed', 'this token is not for enrollment');
  return { name: sub, profile, sans, rootFingerprint: root, url, expiresAt: exp * 1000 };
}

const NAME_TYPES: ReadonlySet<unknown> = new Set<TokenName['type']>(['dns', 'ip', 'uri', 'email']);

function isName(value: unknown): value is TokenName {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('value' in value)) return false;
  return NAME_TYPES.has(value.type) && typeof value.value === 'string';
}

function decode(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
