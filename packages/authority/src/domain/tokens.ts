import { enrollmentAudience } from '@countersign/protocol';
import type { AuditActor, IssuedCertificate, ProfileName, San, TokenPayload } from '@countersign/protocol';
import { recordAudit } from './audit.ts';
import { sha256Hex } from './ca.ts';
import { issue } from './issue.ts';
import type { IssuanceContext } from './issue.ts';
import { commonNameOf, sansOf } from './names.ts';
import type { NameSet } from './names.ts';
import { refuse } from './outcome.ts';
import type { Outcome, Refused } from './outcome.ts';
import type { StoredToken } from './ports.ts';
import { namesFor, profiles } from './profiles.ts';

/** Makes and reads the tokens themselves (JWT). */
export interface TokenSeal {
  seal(payload: TokenPayload): Promise<string>;
  /** Whether it is one of ours, whatever has become of it since. */
  isSealed(token: string): Promise<boolean>;
}

export interface TokenContext extends IssuanceContext {
  readonly seal: TokenSeal;
  /** The base URL at which tokens are redeemed. */
  readonly apiUrl: () => string;
}

/** What a token is to allow. */
export interface TokenWish {
  readonly name: string;
  readonly profile: ProfileName;
  readonly sans: readonly San[];
  readonly ttlSeconds: number;
}

/** Makes a single-use token for exactly these names and this profile. Only its hash is kept. */
export async function createToken(
  context: TokenContext,
  wish: TokenWish,
  actor: AuditActor,
): Promise<Outcome<{ token: string; expiresAt: number }>> {
  const named = namesFor(profiles[wish.profile], wish.name, wish.sans);
  if (!named.ok) return named;
  const now = context.clock();
  const issuedAt = Math.floor(now / 1000);
  const expiresAt = issuedAt + wish.ttlSeconds;
  const { profile } = wish;
  const name = commonNameOf(named.names);
  const sans = sansOf(named.names);
  const url = context.apiUrl();
  const token = await context.seal.seal({
    iss: url,
    aud: enrollmentAudience,
    jti: Buffer.from(context.random(16)).toString('base64url'),
    iat: issuedAt,
    exp: expiresAt,
    sub: name,
    profile,
    sans,
    root: sha256Hex(context.cas().root.certificate.der),
    url,
  });
  await context.store.write(async (tx) => {
    const stored = { hash: sha256Hex(token), name, profile, sans, createdAt: now, expiresAt: expiresAt * 1000 };
    await tx.addToken(stored);
    const details = {
      name,
      profile,
      sans: sans.map(({ type, value }) => `${type}:${value}`),
      ttlSeconds: wish.ttlSeconds,
    };
    await recordAudit(tx, now, 'token.created', actor, details);
  });
  return { ok: true, token, expiresAt: expiresAt * 1000 };
}

/** Why a token cannot be redeemed, or undefined while it can. */
function tokenFault(token: StoredToken | undefined, now: number): Refused | undefined {
  if (token === undefined) return refuse('token_invalid', 'this authority has made no such token');
  if (token.usedAt !== undefined) return refuse('token_used', 'a token is redeemed once');
  if (token.revokedAt !== undefined) return refuse('token_revoked', 'it was closed when its name was revoked');
  if (token.expiresAt < now)
    return refuse('token_expired', `it was good until ${new Date(token.expiresAt).toISOString()}`);
  return undefined;
}

/**
 * Redeems a token: a certificate for the key of `csr` with the names that the token was made for. Of any number of redemptions at once
 * exactly one gets a certificate: the token is used up in the transaction that stores it. `check` is a door's own condition on what the
 * token grants; its refusal leaves the token as it was.
 */
export async function redeemToken(
  context: TokenContext,
  token: string,
  csr: string,
  check?: (profile: ProfileName, granted: NameSet) => Outcome<object>,
): Promise<Outcome<{ issued: IssuedCertificate }>> {
  if (!(await context.seal.isSealed(token))) return refuse('token_invalid', 'its signature is not ours');
  const hash = sha256Hex(token);
  const stored = await context.store.token(hash);
  const fault = tokenFault(stored, context.clock());
  if (stored === undefined || fault !== undefined) return fault ?? refuse('token_invalid', 'unknown');
  const { name, profile, sans } = stored;
  const proven = namesFor(profiles[profile], name, sans);
  if (!proven.ok) return proven;
  const checked = check?.(profile, proven.names) ?? { ok: true as const };
  if (!checked.ok) return checked;
  return issue(context, proven.names, {
    name,
    profile,
    sans,
    csr,
    actor: { kind: 'token', name },
    action: 'certificate.issued',
    admit: async (tx, serial, now) => {
      if (await tx.useToken(hash, now, serial)) {
        await recordAudit(tx, now, 'token.redeemed', { kind: 'token', name }, { name, serial });
        return { ok: true };
      }
      return tokenFault(await tx.token(hash), now) ?? refuse('token_used', 'a token is redeemed once');
    },
  });
}
