import { ruleOf } from '../approval/rules.ts';
import { issue } from '../issue.ts';
import { nameSet, parseTypedName } from '../names.ts';
import type { NameSet } from '../names.ts';
import { refuse } from '../outcome.ts';
import type { Outcome, Refused } from '../outcome.ts';
import type { AcmeContext } from './context.ts';
import { readOrderCsr } from './csr.ts';
import { nameOf, provenNames } from './identifiers.ts';
import type { AcmeKey } from './jwk.ts';
import { commonNameFor } from './order-profile.ts';
import { orderOf } from './orders.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome, AcmeRefused } from './problem.ts';
import type { AcmeAccount, AcmeOrder, CertificateId } from './records.ts';
import { completeOrder, holdOrder, notReady } from './settle-order.ts';

/**
 * Finalizes an order (RFC 8555, section 7.4). The order gets its certificate in the transaction that stores that: a process that dies
 * leaves an order that is ready or one that is valid, and of any number of tries at once one gets a certificate. Where its profile asks for
 * an administrator's approval the order is `processing` until that is decided.
 */
export async function finalizeOrder(
  context: AcmeContext,
  account: AcmeAccount,
  accountKey: AcmeKey,
  id: string,
  payload: Readonly<Record<string, unknown>>,
): Promise<AcmeOutcome<{ order: AcmeOrder }>> {
  const found = await orderOf(context.store, account, id, context.clock());
  if (!found.ok) return found;
  const { order } = found;
  if (order.status !== 'ready') return notReady;
  const names = order.authorizations.map(nameOf);
  const csr = readOrderCsr(payload['csr'], nameSet(names), accountKey);
  if (!csr.ok) return csr;
  const commonName = commonNameFor(names) ?? '';
  const renewed = await renewedBy(context, order, commonName);
  let denied: AcmeRefused | undefined;
  let done: AcmeOrder | undefined;
  // Asked again where a database has to be asked again: the last answer counts.
  const take = (settled: AcmeOutcome<{ order: AcmeOrder }>): Outcome<object> => {
    done = settled.ok ? settled.order : undefined;
    denied = settled.ok ? undefined : settled;
    return settled.ok ? { ok: true } : refuse('forbidden', settled.problem.detail);
  };
  const outcome = await issue(context, withCommonName(provenNames(order.authorizations), commonName), {
    name: commonName,
    profile: order.profile,
    sans: names.map(({ type, value }) => ({ type, value })),
    csr: csr.pem,
    notBefore: order.notBefore,
    notAfter: order.notAfter,
    actor: { kind: 'acme', name: account.id },
    action: 'certificate.issued',
    admit: async (tx, _serial, now, certificate) => {
      if (renewed !== undefined && (await tx.isRevoked(renewed.issuer, renewed.serial)))
        return take(deny('unauthorized', 'the certificate that it renews was revoked'));
      return take(await completeOrder(context, tx, order, certificate, now));
    },
    approval: {
      door: 'acme',
      owner: `acme:${account.id}`,
      basis: { by: 'acme', order: id },
      isRenewal: renewed !== undefined,
      reserve: async (tx, request) => take(await holdOrder(context, tx, order, request)),
    },
  });
  if (denied !== undefined) return denied;
  if (!outcome.ok) return problemOfIssuance(outcome);
  if (done !== undefined) return { ok: true, order: done };
  // Another finalization may have been faster, and the order wait already.
  return outcome.waiting === undefined ? notReady : orderOf(context.store, account, id, context.clock());
}

/** How many certificates of a name are looked through. */
const lookedAt = 50;

/**
 * The certificate that an order renews, where it matters: one that its account has already, that is in time and was not revoked, with all
 * of the order's names. Not every client says which it replaces (RFC 9773).
 */
async function renewedBy(
  { store, clock, rules }: AcmeContext,
  order: AcmeOrder,
  commonName: string,
): Promise<CertificateId | undefined> {
  if (ruleOf(rules, order.profile).approval !== 'required') return undefined;
  const names = order.authorizations.map((one) => nameOf(one).value);
  for (const certificate of (await store.certificatesByName(commonName, clock())).slice(-lookedAt)) {
    const { issuer, serial, profile, sans, spkiSha256 } = certificate;
    const had = new Set(sans.map(({ value }) => value));
    if (profile !== order.profile || !names.every((name) => had.has(name))) continue;
    if ((await store.acmeOrderOfCertificate({ issuer, serial }))?.account !== order.account) continue;
    if (!(await store.isRevoked(issuer, serial)) && !(await store.keyIsRevoked(spkiSha256))) return { issuer, serial };
  }
  return undefined;
}

/** A name that was proven is also what its holder may be called. */
function withCommonName(proven: NameSet, commonName: string): NameSet {
  const name = parseTypedName('cn', commonName);
  const isProven = [...proven.values()].some(({ value }) => value === commonName);
  return 'malformed' in name || !isProven ? proven : nameSet([...proven.values(), name]);
}

/** What issuance says no to, in the words of ACME. */
function problemOfIssuance({ code, detail }: Refused): AcmeRefused {
  switch (code) {
    case 'csr_invalid':
    case 'csr_signature':
    case 'key_not_allowed':
    case 'key_revoked':
    case 'lint_failed':
      return deny('badCSR', detail);
    case 'too_many_requests':
      return deny('rateLimited', detail, { retryAfterSeconds: 3600 });
    case 'name_not_proven':
      return deny('unauthorized', detail);
    case 'name_invalid':
    case 'profile_forbids':
      return deny('rejectedIdentifier', detail);
    case 'validity_invalid':
      return deny('malformed', detail);
    case 'issuer_unavailable':
      return deny('serverInternal', detail, { status: 503, retryAfterSeconds: 300 });
    default:
      return deny('unauthorized', detail);
  }
}
