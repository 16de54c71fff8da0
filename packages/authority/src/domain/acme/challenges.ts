import type { AuthorizationId, FoundAuthorization } from './authorizations.ts';
import { authorizationOf, changeOrder, isOpen, withAuthorization, withChallenge } from './authorizations.ts';
import type { AcmeContext } from './context.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';
import type { AcmeAccount, AcmeAuthorization, AcmeChallenge, ChallengeType } from './records.ts';
import type { Validations } from './validations.ts';

export type FoundChallenge = FoundAuthorization & { readonly challenge: AcmeChallenge };

/** A challenge of an account. */
export async function challengeOf(
  context: AcmeContext,
  account: AcmeAccount,
  id: AuthorizationId,
  type: string,
): Promise<AcmeOutcome<FoundChallenge>> {
  const found = await authorizationOf(context, account, id);
  const challenge = found.ok ? challengeIn(found.authorization, type) : undefined;
  if (!found.ok || challenge === undefined) {
    return deny('malformed', 'this account has no such challenge', { status: 404 });
  }
  return { ...found, challenge };
}

function challengeIn(authorization: AcmeAuthorization, type: string): AcmeChallenge | undefined {
  return authorization.challenges.find((one) => one.type === type);
}

/**
 * The client is ready for its challenge (RFC 8555, section 7.5.1). That it is being validated is durable before the client hears of it:
 * whatever happens to this process, somebody ends it.
 */
export async function answerChallenge(
  context: AcmeContext,
  validations: Validations,
  account: AcmeAccount,
  id: AuthorizationId,
  type: string,
): Promise<AcmeOutcome<FoundChallenge>> {
  const found = await challengeOf(context, account, id, type);
  if (!found.ok || !isAnswerable(found, context.clock())) return found;
  const { value } = found.authorization.identifier;
  const limited = context.limits.refusal('failures', `${account.id} ${value}`) ?? validations.refusal();
  if (limited !== undefined) return limited;
  const kind: ChallengeType = found.challenge.type;
  const changed = await changeOrder(context.store, id.order, (order) => {
    const authorization = order.authorizations[id.index];
    const challenge = authorization && challengeIn(authorization, kind);
    if (authorization === undefined || challenge === undefined) return undefined;
    const now = context.clock();
    if (!isAnswerable({ order, authorization, challenge }, now)) return undefined;
    const processing = withAuthorization(order, id.index, (one) =>
      withChallenge(one, kind, (challenge) => ({ ...challenge, status: 'processing' })),
    );
    return { ...processing, ...validations.lease() };
  });
  const authorization = changed?.authorizations[id.index];
  const challenge = authorization && challengeIn(authorization, kind);
  if (changed === undefined || authorization === undefined || challenge === undefined) {
    return deny('malformed', 'the order is gone', { status: 404 });
  }
  if (challenge.status === 'processing') validations.submit(changed, id.index, kind);
  return { ok: true, order: changed, authorization, challenge };
}

function isAnswerable({ order, authorization, challenge }: FoundChallenge, now: number): boolean {
  return isOpen(order, now) && authorization.status === 'pending' && challenge.status === 'pending';
}
