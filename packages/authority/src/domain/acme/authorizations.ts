import type { Store } from '../ports.ts';
import type { AcmeContext } from './context.ts';
import { orderAt, orderOf } from './orders.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';
import type { AcmeAccount, AcmeAuthorization, AcmeChallenge, AcmeOrder } from './records.ts';

/** Which authorization is meant: the place in its order. */
export interface AuthorizationId {
  readonly order: string;
  readonly index: number;
}

/** An authorization with the order that it belongs to. */
export interface FoundAuthorization {
  readonly order: AcmeOrder;
  readonly authorization: AcmeAuthorization;
}

/** An authorization of an account. */
export async function authorizationOf(
  context: AcmeContext,
  account: AcmeAccount,
  id: AuthorizationId,
): Promise<AcmeOutcome<FoundAuthorization>> {
  const found = await orderOf(context.store, account, id.order, context.clock());
  const authorization = found.ok ? found.order.authorizations[id.index] : undefined;
  if (!found.ok || authorization === undefined) {
    return deny('malformed', 'this account has no such authorization', { status: 404 });
  }
  return { ok: true, order: found.order, authorization };
}

/** Gives an authorization up (RFC 8555, section 7.5.2): whatever it has proven counts no longer. */
export async function deactivateAuthorization(
  context: AcmeContext,
  account: AcmeAccount,
  id: AuthorizationId,
): Promise<AcmeOutcome<FoundAuthorization>> {
  const found = await authorizationOf(context, account, id);
  if (!found.ok || found.authorization.status === 'deactivated') return found;
  const changed = await changeOrder(context.store, id.order, (order) =>
    withAuthorization(order, id.index, (one) => ({ ...one, status: 'deactivated' })),
  );
  const authorization = changed?.authorizations[id.index];
  if (changed === undefined || authorization === undefined) return deny('serverInternal', 'try again', { status: 503 });
  return { ok: true, order: changed, authorization };
}

/** An order with one of its authorizations changed, and with the status that follows for it. */
export function withAuthorization(
  order: AcmeOrder,
  index: number,
  change: (authorization: AcmeAuthorization) => AcmeAuthorization,
): AcmeOrder {
  const authorizations = order.authorizations.map((one, i) => (i === index ? change(one) : one));
  return { ...order, authorizations, status: statusOf(order, authorizations) };
}

function statusOf(order: AcmeOrder, authorizations: readonly AcmeAuthorization[]): AcmeOrder['status'] {
  if (order.status === 'valid' || order.status === 'invalid') return order.status;
  if (authorizations.some(({ status }) => status === 'invalid' || status === 'deactivated')) return 'invalid';
  if (order.status === 'processing') return order.status;
  return authorizations.every(({ status }) => status === 'valid') ? 'ready' : 'pending';
}

/** An authorization with one of its challenges changed. */
export function withChallenge(
  authorization: AcmeAuthorization,
  type: AcmeChallenge['type'],
  change: (challenge: AcmeChallenge) => AcmeChallenge,
): AcmeAuthorization {
  return {
    ...authorization,
    challenges: authorization.challenges.map((one) => (one.type === type ? change(one) : one)),
  };
}

/** How often a change is tried anew after somebody else has been faster. */
const changeAttempts = 8;

/**
 * Changes an order as it is in the store. What `change` returns as undefined or as it was stays. Answers with the order as it is then, or
 * with undefined where there is none.
 */
export async function changeOrder(
  store: Store,
  id: string,
  change: (order: AcmeOrder) => AcmeOrder | undefined,
): Promise<AcmeOrder | undefined> {
  for (let attempt = 0; attempt < changeAttempts; attempt++) {
    const done = await store.write(async (tx) => {
      const order = await tx.acmeOrder(id);
      const changed = order && change(order);
      if (order === undefined || changed === undefined || changed === order) return { order };
      const next = { ...changed, version: order.version + 1 };
      return (await tx.changeAcmeOrder(next)) ? { order: next } : undefined;
    });
    if (done !== undefined) return done.order;
  }
  throw new Error('an order that changes all the time');
}

/** Whether anything can still come of an order. */
export function isOpen(order: AcmeOrder, now: number): boolean {
  return orderAt(order, now).status === 'pending';
}
