import { enrollmentAudience } from '@countersign/protocol';
import type { AuditActor, ProfileName, RequestDoor, San, TokenPayload } from '@countersign/protocol';
import { outsideScope } from './administrators.ts';
import type { AdministratorScope } from './administrators.ts';
import { recordAudit } from './audit.ts';
import { sha256Hex } from './ca.ts';
import type { Granted } from './approval/answer.ts';
import { admitBy, tokenFault } from './approval/basis.ts';
import { issue } from './issue.ts';
import type { IssuanceContext } from './issue.ts';
import { commonNameOf, sansOf } from './names.ts';
import type { NameSet } from './names.ts';
import { refuse } from './outcome.ts';
import type { Outcome } from './outcome.ts';
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

/** Makes a single-use token for exactly these names and this profile, within the scope of who makes it. Only its hash is kept. */
export async function createToken(
  context: TokenContext,
  wish: TokenWish,
  actor: AuditActor,
  scope?: AdministratorScope,
): Promise<Outcome<{ token: string; expiresAt: number }>> {
  const named = namesFor(profiles[wish.profile], wish.name, wish.sans);
  if (!named.ok) return named;
  const outside = scope && outsideScope(scope, wish.profile, named.names);
  if (outside !== undefined) return outside;
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

/**
 * Redeems a token: a certificate for the key of `csr` with the names that the token was made for. Of any number of redemptions at once
 * exactly one gets a certificate: the token is used up in the transaction that stores it. Where its
 * profile wants an administrator's approval, the token waits with its request.
 */
export async function redeemToken(
  context: TokenContext,
  token: string,
  csr: string,
  { door = 'token', check }: Redemption = {},
): Promise<Outcome<Granted>> {
  if (!(await context.seal.isSealed(token))) return refuse('token_invalid', 'its signature is not ours');
  const hash = sha256Hex(token);
  const stored = await context.store.token(hash);
  const bound = stored?.request !== undefined;
  // With one that waits for an administrator its holder asks what has become of that.
  const fault = bound ? undefined : tokenFault(stored, context.clock());
  if (stored === undefined || fault !== undefined) return fault ?? refuse('token_invalid', 'unknown');
  const { name, profile, sans } = stored;
  const proven = namesFor(profiles[profile], name, sans);
  if (!proven.ok) return proven;
  const checked = (await check?.(profile, proven.names)) ?? { ok: true as const, csr };
  if (!checked.ok) return checked;
  const basis = { by: 'token', hash, name } as const;
  return issue(context, proven.names, {
    name,
    profile,
    sans,
    csr: checked.csr,
    actor: { kind: 'token', name },
    action: 'certificate.issued',
    admit: admitBy(basis),
    approval: {
      door,
      owner: tokenOwner(hash),
      basis,
      bound,
      reserve: async (tx, { id }) => {
        const now = context.clock();
        if (await tx.bindToken(hash, now, id)) return { ok: true };
        return tokenFault(await tx.token(hash), now) ?? refuse('token_used', 'a token is redeemed once');
      },
    },
  });
}

/** How a door redeems tokens. */
export interface Redemption {
  readonly door?: RequestDoor;
  /**
   * The door's own condition on what the token grants; it says which request is certified. Its refusal leaves the token as it was.
   */
  readonly check?: (profile: ProfileName, granted: NameSet) => Promise<Outcome<{ csr: string }>>;
}

/** Whose the requests that came with a token are. */
export function tokenOwner(hash: string): string {
  return `token:${hash}`;
}
