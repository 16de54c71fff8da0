import type { StoreReader } from '../ports.ts';
import { parseCertificateId } from './certificate-id.ts';
import type { AcmeContext } from './context.ts';
import { newOrderId } from './context.ts';
import { identifierOf, nameOf, readIdentifiers } from './identifiers.ts';
import type { AcmeName } from './identifiers.ts';
import { chooseProfile, isPreauthorized, namesFault, policyOf, readValidity } from './order-profile.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';
import type { AcmeAccount, AcmeAuthorization, AcmeOrder, CertificateId, ChallengeType } from './records.ts';

type Payload = Readonly<Record<string, unknown>>;

/** How long a client has to prove its names and to finalize. */
export const orderLifetimeMs = 24 * 3_600_000;
/** How long what has ended is still told. */
export const afterlifeMs = 24 * 3_600_000;
/** How many orders an account may have under way. */
export const openOrdersLimit = 300;

/** Places an order (RFC 8555, section 7.4): ready at once where an administrator vouches for each of its names. */
export async function newOrder(
  context: AcmeContext,
  account: AcmeAccount,
  payload: Payload,
): Promise<AcmeOutcome<{ order: AcmeOrder }>> {
  const read = readIdentifiers(payload['identifiers']);
  if (!read.ok) return read;
  const { names } = read;
  const allowed = await policyOf(context, context.store, account);
  if (!allowed.ok) return allowed;
  const chosen = chooseProfile(context, allowed.policy, payload);
  if (!chosen.ok) return chosen;
  const fault = namesFault(names, chosen.profile, allowed.policy);
  if (fault !== undefined) return fault;
  const now = context.clock();
  const validity = readValidity(payload, chosen.profile, now);
  if (!validity.ok) return validity;
  const replaced = await readReplaces(context, account, payload, names);
  if (!replaced.ok) return replaced;
  const { replaces } = replaced;

  const authorizations = names.map((name) => authorize(context, name, isPreauthorized(name, allowed.policy)));
  const { notBefore, notAfter } = validity;
  const order: AcmeOrder = {
    id: newOrderId(context),
    account: account.id,
    version: 1,
    status: authorizations.every(({ status }) => status === 'valid') ? 'ready' : 'pending',
    createdAt: now,
    expiresAt: now + orderLifetimeMs,
    keepUntil: now + orderLifetimeMs + afterlifeMs,
    profile: chosen.profile.name,
    profileNamed: chosen.named,
    authorizations,
    ...(notBefore !== undefined && { notBefore }),
    ...(notAfter !== undefined && { notAfter }),
    ...(replaces !== undefined && { replaces }),
  };
  return context.store.write(async (tx) => {
    // A renewal is never kept back for orders that lie about.
    if (replaces === undefined && (await tx.acmeOpenOrders(account.id, now)) >= openOrdersLimit) {
      const detail = `an account has ${openOrdersLimit} orders under way at most`;
      return deny('rateLimited', detail, { retryAfterSeconds: 60 });
    }
    if (replaces !== undefined && (await tx.acmeIsReplaced(replaces))) {
      return deny('alreadyReplaced', 'another order replaces this certificate');
    }
    await tx.addAcmeOrder(order);
    return { ok: true, order };
  });
}

/** The ways in which a name can be proven: a wildcard by dns-01 alone, an address by what connects to it (RFC 8738). */
function challengesFor(name: AcmeName): readonly ChallengeType[] {
  if (name.type === 'ip') return ['http-01', 'tls-alpn-01'];
  return name.value.startsWith('*') ? ['dns-01'] : ['http-01', 'dns-01', 'tls-alpn-01'];
}

function authorize(context: AcmeContext, name: AcmeName, preauthorized: boolean): AcmeAuthorization {
  if (preauthorized) return { ...identifierOf(name), status: 'valid', challenges: [] };
  const challenges = challengesFor(name).map((type) => {
    const token = Buffer.from(context.random(32)).toString('base64url');
    return { type, token, status: 'pending' as const };
  });
  return { ...identifierOf(name), status: 'pending', challenges };
}

/** The certificate that an order replaces: the account's own, with a name in common (RFC 9773, section 5). */
async function readReplaces(
  context: AcmeContext,
  account: AcmeAccount,
  payload: Payload,
  names: readonly AcmeName[],
): Promise<AcmeOutcome<{ replaces: CertificateId | undefined }>> {
  const { replaces: text } = payload;
  if (text === undefined) return { ok: true, replaces: undefined };
  const replaces = typeof text === 'string' ? parseCertificateId(text, context.cas()) : undefined;
  if (replaces === undefined) return deny('malformed', 'replaces names no certificate of this authority');
  const before = await context.store.acmeOrderOfCertificate(replaces);
  if (before?.account !== account.id)
    return deny('unauthorized', 'the certificate to be replaced is not of this account');
  const had = new Set(before.authorizations.map((one) => nameOf(one).value));
  return names.some(({ value }) => had.has(value))
    ? { ok: true, replaces }
    : deny('malformed', 'the certificate to be replaced has none of these names');
}

/** What a client is told whose request nobody has decided in time. */
export const unapproved = 'no administrator has approved it in time';

/** An order as it is at `now`: one whose time is over before it was finalized is invalid. */
export function orderAt(order: AcmeOrder, now: number): AcmeOrder {
  if (order.status === 'processing' && order.expiresAt < now)
    return { ...order, status: 'invalid', error: deny('unauthorized', unapproved).problem };
  const open = order.status === 'pending' || order.status === 'ready';
  return open && order.expiresAt < now ? { ...order, status: 'invalid' } : order;
}

/** An order of an account; another's is not told from none. */
export async function orderOf(
  store: StoreReader,
  account: AcmeAccount,
  id: string,
  now: number,
): Promise<AcmeOutcome<{ order: AcmeOrder }>> {
  const order = await store.acmeOrder(id);
  if (order?.account !== account.id) return deny('malformed', 'this account has no such order', { status: 404 });
  return { ok: true, order: orderAt(order, now) };
}
