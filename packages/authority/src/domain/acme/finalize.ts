import { needsApproval, ruleOf } from '../approval/rules.ts';
import { issue } from '../issue.ts';
import { nameSet, parseTypedName } from '../names.ts';
import type { NameSet } from '../names.ts';
import { refuse } from '../outcome.ts';
import type { Refused } from '../outcome.ts';
import type { NewCertificate, StoreWriter } from '../ports.ts';
import { currentAccount } from './accounts.ts';
import type { AcmeContext } from './context.ts';
import { readOrderCsr } from './csr.ts';
import { nameOf, provenNames } from './identifiers.ts';
import type { AcmeKey } from './jwk.ts';
import { commonNameFor, policyOf } from './order-profile.ts';
import { afterlifeMs, orderAt, orderOf } from './orders.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome, AcmeRefused } from './problem.ts';
import type { AcmeAccount, AcmeOrder } from './records.ts';

const notReady: AcmeRefused = deny('orderNotReady', 'an order is finalized once, when each of its names is proven');

/**
 * Finalizes an order (RFC 8555, section 7.4). The order gets its certificate in the transaction that stores that: a process that dies
 * leaves an order that is ready or one that is valid, and of any number of tries at once one gets a certificate.
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
  if (needsApproval(ruleOf(context.rules, order.profile), 'certificate.issued'))
    return deny('unauthorized', `certificates of profile ${order.profile} need the approval of an administrator`);
  const names = order.authorizations.map(nameOf);
  const csr = readOrderCsr(payload['csr'], nameSet(names), accountKey);
  if (!csr.ok) return csr;
  const commonName = commonNameFor(names) ?? '';
  let denied: AcmeRefused | undefined;
  let valid: AcmeOrder | undefined;
  const outcome = await issue(context, withCommonName(provenNames(order.authorizations), commonName), {
    name: commonName,
    profile: order.profile,
    sans: names.map(({ type, value }) => ({ type, value })),
    csr: csr.pem,
    notBefore: order.notBefore,
    notAfter: order.notAfter,
    actor: { kind: 'acme', name: account.id },
    action: 'certificate.issued',
    approval: 'given',
    admit: async (tx, _serial, now, certificate) => {
      const admitted = await admit(context, tx, order, certificate, now);
      // Asked again where a database has to be asked again: the last answer counts.
      valid = admitted.ok ? admitted.order : undefined;
      denied = admitted.ok ? undefined : admitted;
      return admitted.ok ? { ok: true } : refuse('forbidden', admitted.problem.detail);
    },
  });
  if (denied !== undefined) return denied;
  if (!outcome.ok) return problemOfIssuance(outcome);
  return valid === undefined ? notReady : { ok: true, order: valid };
}

/** In the transaction that stores the certificate: whether everything still stands that it rests on; then the order has it. */
async function admit(
  context: AcmeContext,
  tx: StoreWriter,
  order: AcmeOrder,
  certificate: NewCertificate,
  now: number,
): Promise<AcmeOutcome<{ order: AcmeOrder }>> {
  const stored = await tx.acmeOrder(order.id);
  if (stored?.version !== order.version || orderAt(stored, now).status !== 'ready') return notReady;
  const current = await currentAccount(tx, order.account);
  if (!current.ok) return current;
  const allowed = await policyOf(context, tx, current.account);
  if (!allowed.ok) return allowed;
  const { issuer, serial, notAfter } = certificate;
  const valid: AcmeOrder = {
    ...stored,
    version: stored.version + 1,
    status: 'valid',
    certificate: { issuer, serial },
    // As long as it can be revoked by its account, and be replaced.
    keepUntil: notAfter + afterlifeMs,
  };
  return (await tx.changeAcmeOrder(valid)) ? { ok: true, order: valid } : notReady;
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
