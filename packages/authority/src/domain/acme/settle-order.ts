import { refuse } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { NewCertificate, StoreWriter } from '../ports.ts';
import { currentAccount } from './accounts.ts';
import type { AcmeContext } from './context.ts';
import { policyOf } from './order-profile.ts';
import { afterlifeMs, orderAt } from './orders.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome, AcmeRefused } from './problem.ts';
import type { AcmeOrder } from './records.ts';

// What becomes of an order that is finalized, each in the transaction that brings it about.

/** That an order is not one to be finalized, or not any more. */
export const notReady: AcmeRefused = deny(
  'orderNotReady',
  'an order is finalized once, when each of its names is proven',
);

type Policy = Pick<AcmeContext, 'policy'>;

/** Whether everything still stands that a certificate rests on; then the order has it. `order` is how it was read before. */
export async function completeOrder(
  context: Policy,
  tx: StoreWriter,
  order: AcmeOrder,
  certificate: NewCertificate,
  now: number,
): Promise<AcmeOutcome<{ order: AcmeOrder }>> {
  const { issuer, serial, notAfter } = certificate;
  return change(context, tx, order, now, (stored) => ({
    ...stored,
    status: 'valid',
    certificate: { issuer, serial },
    // As long as it can be revoked by its account, and be replaced.
    keepUntil: notAfter + afterlifeMs,
  }));
}

/** Lets an order wait for an administrator: it is processing as long as its request waits (RFC 8555, section 7.1.6). */
export async function holdOrder(
  context: Policy,
  tx: StoreWriter,
  order: AcmeOrder,
  request: { readonly id: string; readonly createdAt: number; readonly expiresAt: number },
): Promise<AcmeOutcome<{ order: AcmeOrder }>> {
  const { id, createdAt, expiresAt } = request;
  return change(context, tx, order, createdAt, (stored) => ({
    ...stored,
    status: 'processing',
    request: { id, since: createdAt },
    expiresAt,
    keepUntil: expiresAt + afterlifeMs,
  }));
}

/** Gives an order whose request was approved its certificate. */
export async function completeHeldOrder(
  context: Policy,
  tx: StoreWriter,
  id: string,
  certificate: NewCertificate,
  now: number,
): Promise<Outcome<object>> {
  const order = await tx.acmeOrder(id);
  if (order === undefined || orderAt(order, now).status !== 'processing')
    return refuse('forbidden', 'its ACME order was closed since');
  const done = await completeOrder(context, tx, order, certificate, now);
  return done.ok ? { ok: true } : refuse('forbidden', done.problem.detail);
}

/** Ends an order whose request was not approved; its client is told why. */
export async function closeHeldOrder(tx: StoreWriter, id: string, why: string, now: number): Promise<void> {
  const order = await tx.acmeOrder(id);
  if (order?.status !== 'processing') return;
  const { problem } = deny('unauthorized', why);
  const keepUntil = now + afterlifeMs;
  await tx.changeAcmeOrder({ ...order, version: order.version + 1, status: 'invalid', error: problem, keepUntil });
}

async function change(
  context: Policy,
  tx: StoreWriter,
  order: AcmeOrder,
  now: number,
  next: (stored: AcmeOrder) => AcmeOrder,
): Promise<AcmeOutcome<{ order: AcmeOrder }>> {
  const stored = await tx.acmeOrder(order.id);
  if (stored?.version !== order.version || orderAt(stored, now).status !== order.status) return notReady;
  const current = await currentAccount(tx, order.account);
  if (!current.ok) return current;
  const allowed = await policyOf(context, tx, current.account);
  if (!allowed.ok) return allowed;
  const changed = { ...next(stored), version: stored.version + 1 };
  return (await tx.changeAcmeOrder(changed)) ? { ok: true, order: changed } : notReady;
}
