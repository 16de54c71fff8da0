import { recordAudit } from '../audit.ts';
import { changeAccount } from './accounts.ts';
import type { AcmeContext } from './context.ts';
import { readJwk } from './jwk.ts';
import { checkSignature, readEnvelope, readPayload } from './jws.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';
import type { AcmeAccount } from './records.ts';
import type { Arrival, Signed } from './authenticate.ts';

/**
 * Gives an account another key (RFC 8555, section 7.3.5): the request is a JWS by the new key, for the same URL and without a nonce, in
 * one by the old key.
 */
export async function changeKey(
  context: AcmeContext,
  signed: Signed,
  arrival: Arrival,
): Promise<AcmeOutcome<{ account: AcmeAccount }>> {
  const outer = readPayload(signed.envelope);
  if (!outer.ok) return outer;
  const inner = readEnvelope(outer.payload);
  if (!inner.ok) return deny('malformed', `the inner JWS: ${inner.problem.detail}`);
  const { envelope } = inner;
  if (envelope.kid !== undefined || envelope.nonce !== undefined || envelope.url !== arrival.url) {
    return deny('malformed', 'the inner JWS has jwk and the url of this request, and no nonce');
  }
  const next = readJwk(envelope.jwk);
  if (!next.ok) return next;
  const holds = checkSignature(envelope, next.key);
  if (!holds.ok) return holds;
  const payload = readPayload(envelope);
  if (!payload.ok) return payload;
  const { account: url, oldKey } = payload.payload;
  const before = readJwk(oldKey);
  const account = signed.account;
  if (account === undefined || typeof url !== 'string' || arrival.accountOf(url) !== account.id) {
    return deny('malformed', 'the inner JWS is about another account');
  }
  if (!before.ok || before.key.thumbprint !== signed.key.thumbprint) {
    return deny('malformed', 'oldKey is not the key of the account');
  }
  return changeAccount(context, account.id, async (tx, current) => {
    if (current.thumbprint !== signed.key.thumbprint) return deny('unauthorized', 'the account has another key by now');
    const holder = await tx.acmeAccountByKey(next.key.thumbprint);
    const changed = { ...current, thumbprint: next.key.thumbprint, jwk: next.key.jwk };
    if (holder !== undefined || !(await tx.changeAcmeAccount(changed))) {
      const location = `account/${holder?.id ?? ''}`;
      return deny('malformed', 'an account has this key already', { status: 409, location });
    }
    const actor = { kind: 'acme' as const, name: account.id };
    const details = { account: account.id, thumbprint: changed.thumbprint };
    await recordAudit(tx, context.clock(), 'acme.key_changed', actor, details);
    return { ok: true, account: changed };
  });
}
