import type { RequestDoor } from '@countersign/protocol';
import { recordAudit } from '../audit.ts';
import { blockedNames } from '../blocks.ts';
import { sha256Hex } from '../ca.ts';
import type { CaSet } from '../ca.ts';
import { describeNames, namesNotProven } from '../names.ts';
import type { NameSet } from '../names.ts';
import { refuse } from '../outcome.ts';
import type { Outcome, Refused } from '../outcome.ts';
import type { Clock, Random, Store, StoreWriter } from '../ports.ts';
import { answerTo, requestAt, waitingFor } from './answer.ts';
import type { Granted } from './answer.ts';
import type { Basis } from './basis.ts';
import type { StoredRequest } from './records.ts';

/** How a door's request waits where its profile asks for approval. */
export interface Hold {
  readonly door: RequestDoor;
  /** See `StoredRequest.owner`. */
  readonly owner: string;
  readonly basis: Basis;
  /** Its owner has such a certificate: see `needsApproval`. */
  readonly isRenewal?: boolean | undefined;
  /** It waits already, whatever the profile says by now. */
  readonly bound?: boolean | undefined;
  /** Nothing new is asked for any more: the refusal of everything that does not wait already, or was decided. */
  readonly tooLate?: Refused | undefined;
  /** In the transaction that stores the request: ties what it rests on to it. A refusal stores nothing. */
  readonly reserve?: ((tx: StoreWriter, request: StoredRequest) => Promise<Outcome<object>>) | undefined;
}

/** A request that is well-formed and whose key has proven its possession. */
export interface HeldWish extends Pick<
  StoredRequest,
  | 'name'
  | 'profile'
  | 'sans'
  | 'csr'
  | 'spkiSha256'
  | 'notBefore'
  | 'notAfter'
  | 'lifetimeSeconds'
  | 'mustStaple'
  | 'actor'
  | 'action'
> {
  readonly proven: NameSet;
  /** What the certificate would say. */
  readonly names: NameSet;
}

/** How long what was decided is told, and how long what has expired is remembered. */
export const afterlifeMs = 7 * 86_400_000;
/** How many requests of one owner are kept, whatever became of them: whoever is denied does not ask for ever. */
export const requestsPerOwner = 100;
/** How many wait, all in all. */
export const pendingLimit = 10_000;

interface HoldContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly cas: () => CaSet;
}

/**
 * Stores a request that waits for an administrator, or says what has become of it where it was made before. What is known to be refused
 * already does not wait. Refuses with `too_many_requests`, `name_not_proven`, `key_revoked`, `identity_blocked`, `request_denied`,
 * `request_expired`.
 */
export async function holdRequest(
  context: HoldContext,
  wish: HeldWish,
  hold: Hold,
  waitSeconds: number,
): Promise<Outcome<Granted>> {
  const unproven = namesNotProven(wish.names, wish.proven);
  if (unproven.length > 0) return refuse('name_not_proven', `nobody has proven ${describeNames(unproven)}`);
  const now = context.clock();
  // Each order of an account is a request of its own.
  const of = hold.basis.by === 'acme' ? hold.basis.order : '';
  const digest = digestOf(wish, of);
  const known = await context.store.requestOf(hold.owner, digest);
  // Most ask again and again, and change nothing by that.
  const told = known && (await answerTo(context.store, context.cas(), known, now));
  if (told !== undefined) return told;
  if (hold.tooLate !== undefined) return hold.tooLate;
  return context.store.write(async (tx) => {
    const before = await tx.requestOf(hold.owner, digest);
    const answer = before && (await answerTo(tx, context.cas(), before, now));
    if (answer !== undefined) return answer;
    if (before !== undefined && hold.basis.by === 'token')
      return refuse('request_expired', `it waited until ${new Date(before.expiresAt).toISOString()}: ask for a token`);
    if (await tx.keyIsRevoked(wish.spkiSha256))
      return refuse('key_revoked', 'a certificate with this key was revoked: make a new key');
    const blocked = await blockedNames(tx, wish, wish.actor.kind);
    if (blocked !== undefined) return blocked;
    if (before !== undefined) await tx.removeRequest(before.id);
    const full = await fullness(tx, hold.owner);
    if (full !== undefined) return full;
    const request = madeOf(context, wish, hold, { digest, now, expiresAt: now + waitSeconds * 1000 });
    const reserved = (await hold.reserve?.(tx, request)) ?? { ok: true as const };
    if (!reserved.ok) return reserved;
    await tx.addRequest(request);
    await recordAudit(tx, now, 'request.created', wish.actor, {
      request: request.id,
      door: hold.door,
      name: wish.name,
      profile: wish.profile,
      sans: wish.sans.map(({ type, value }) => `${type}:${value}`),
      key: wish.spkiSha256,
    });
    return { ok: true as const, ...waitingFor(request, now) };
  });
}

async function fullness(tx: StoreWriter, owner: string): Promise<(Outcome<object> & { ok: false }) | undefined> {
  if ((await tx.countRequestsOf(owner)) >= requestsPerOwner)
    return refuse('too_many_requests', `${requestsPerOwner} requests of this caller are kept: ask again in some days`);
  if ((await tx.countPendingRequests()) >= pendingLimit)
    return refuse('too_many_requests', `${pendingLimit} requests wait: an administrator decides some first`);
  return undefined;
}

function madeOf(
  context: HoldContext,
  wish: HeldWish,
  { door, owner, basis }: Hold,
  { digest, now, expiresAt }: { readonly digest: string; readonly now: number; readonly expiresAt: number },
): StoredRequest {
  const { names: _, proven, ...asked } = wish;
  return {
    id: Buffer.from(context.random(12)).toString('base64url'),
    status: 'pending',
    door,
    owner,
    digest,
    createdAt: now,
    expiresAt,
    keepUntil: expiresAt + afterlifeMs,
    ...asked,
    proven: [...proven.values()],
    basis,
  };
}

/** Of everything that makes a request another one. A signature that was made anew does not. */
function digestOf(wish: HeldWish, of: string): string {
  const { spkiSha256, profile, name, sans, mustStaple, notBefore, notAfter, lifetimeSeconds } = wish;
  const names = sans.map(({ type, value }) => `${type}:${value}`).toSorted();
  const times = [notBefore ?? null, notAfter ?? null, lifetimeSeconds ?? null];
  return sha256Hex(JSON.stringify([of, spkiSha256, profile, name, names, mustStaple, times]));
}

/** Whether it still waits at `now`. */
export function isPending(request: StoredRequest | undefined, now: number): request is StoredRequest {
  return request !== undefined && requestAt(request, now).status === 'pending';
}
