import type { AuditActor, IssuedCertificate } from '@countersign/protocol';
import { unapproved } from '../acme/orders.ts';
import { closeHeldOrder } from '../acme/settle-order.ts';
import { recordAudit } from '../audit.ts';
import { issue } from '../issue.ts';
import type { IssuanceContext } from '../issue.ts';
import { nameSet } from '../names.ts';
import { refuse } from '../outcome.ts';
import type { Outcome, Refused } from '../outcome.ts';
import type { Clock, Store, StoreWriter } from '../ports.ts';
import { admitBy } from './basis.ts';
import { requestAt } from './answer.ts';
import { afterlifeMs, isPending } from './hold.ts';
import type { Decision, StoredRequest } from './records.ts';

/** Why a request cannot be decided (any more). */
function undecidable(request: StoredRequest | undefined, id: string, now: number): Refused {
  if (request === undefined) return refuse('unknown_request', `there is no request ${id}`);
  const { status, decision } = requestAt(request, now);
  if (status === 'expired')
    return refuse('request_expired', `it waited until ${new Date(request.expiresAt).toISOString()}`);
  const by = decision?.by.name ?? decision?.by.kind ?? 'somebody';
  return refuse('request_decided', `${by} has ${status} it at ${new Date(decision?.at ?? 0).toISOString()}`);
}

/**
 * Approves a request: it takes the way of every other through `issue`, with whatever holds by now, and is settled in the transaction that
 * stores its certificate. Of any number of approvals at once, on whatever nodes, one gets the certificate. A refusal (its token was
 * revoked, a name is blocked, there is no issuing CA, …) leaves it waiting.
 */
export async function approveRequest(
  context: IssuanceContext,
  id: string,
  by: AuditActor,
): Promise<Outcome<{ issued: IssuedCertificate; request: StoredRequest }>> {
  const request = await context.store.request(id);
  if (!isPending(request, context.clock())) return undecidable(request, id, context.clock());
  const { name, profile, sans, csr, mustStaple, notBefore, notAfter, lifetimeSeconds, actor, action } = request;
  const stands = admitBy(request.basis, { request: id, acme: context.acmePolicy });
  const outcome = await issue(context, nameSet(request.proven), {
    name,
    profile,
    sans,
    csr,
    mustStaple,
    notBefore,
    notAfter,
    lifetimeSeconds,
    actor,
    action,
    approval: 'given',
    admit: async (tx, serial, now, certificate) => {
      const stored = await tx.request(id);
      if (!isPending(stored, now)) return undecidable(stored, id, now);
      const admitted = await stands(tx, serial, now, certificate);
      if (!admitted.ok) return admitted;
      const settled: StoredRequest = {
        ...decided(stored, 'approved', { by, at: now }),
        certificate: { issuer: certificate.issuer, serial },
      };
      if (!(await tx.settleRequest(settled))) return undecidable(await tx.request(id), id, now);
      await recordAudit(tx, now, 'request.approved', by, { request: id, name, profile, serial });
      return { ok: true };
    },
  });
  return outcome.ok ? { ok: true, issued: outcome.issued, request } : outcome;
}

/** Denies a request. Whoever waits is told the reason. */
export function denyRequest(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  { id, reason }: { readonly id: string; readonly reason: string },
  by: AuditActor,
): Promise<Outcome<{ request: StoredRequest }>> {
  const now = clock();
  return store.write(async (tx) => {
    const request = await tx.request(id);
    if (!isPending(request, now)) return undecidable(request, id, now);
    const settled = decided(request, 'denied', { by, at: now, reason });
    if (!(await tx.settleRequest(settled))) return undecidable(await tx.request(id), id, now);
    await letGo(tx, settled, `an administrator has denied it: ${reason}`, now);
    const { name, profile } = request;
    await recordAudit(tx, now, 'request.denied', by, { request: id, name, profile, reason });
    return { ok: true as const, request: settled };
  });
}

/** How many are marked in one transaction: others have a turn between two. */
const atOnce = 200;

/** Marks the requests whose time is over, and forgets those that were kept long enough. */
export async function keepRequests({ store, clock }: { readonly store: Store; readonly clock: Clock }): Promise<void> {
  const now = clock();
  while ((await store.overdueRequests(now, 1)).length > 0) {
    await store.write(async (tx) => {
      for (const request of await tx.overdueRequests(now, atOnce)) {
        const settled: StoredRequest = { ...request, status: 'expired' };
        if (!(await tx.settleRequest(settled))) continue;
        await letGo(tx, settled, unapproved, now);
        const { id, name, profile } = request;
        await recordAudit(tx, now, 'request.expired', { kind: 'authority' }, { request: id, name, profile });
      }
    });
  }
  await store.write((tx) => tx.pruneRequests(now));
}

function decided(request: StoredRequest, status: 'approved' | 'denied', decision: Decision): StoredRequest {
  return { ...request, status, decision, keepUntil: decision.at + afterlifeMs };
}

/** What a request rested on serves nothing else: its token is used up, its order invalid. */
async function letGo(tx: StoreWriter, { basis, id }: StoredRequest, why: string, now: number): Promise<void> {
  if (basis.by === 'token') await tx.useToken(basis.hash, now, undefined, id);
  if (basis.by === 'acme') await closeHeldOrder(tx, basis.order, why, now);
}
