import type { AcmeKey as AcmeKeyDescription, AuditActor } from '@countersign/protocol';
import { recordAudit } from '../audit.ts';
import { refuse } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { AcmeContext } from './context.ts';
import { encodeBase64url } from './base64url.ts';
import type { AcmeKey } from './jwk.ts';
import { readJwk } from './jwk.ts';
import { checkMac, readEnvelope, readPayload } from './jws.ts';
import { parsePattern } from './patterns.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';
import type { EabKey, EabPolicy } from './records.ts';

/** What an administrator asks for. */
export interface EabWish {
  readonly name: string;
  readonly policy: EabPolicy;
  readonly ttlSeconds: number;
}

type EabContext = Pick<AcmeContext, 'store' | 'clock' | 'random' | 'secrets'>;

/** An external account key as administrators see it. */
export function describeEabKey(key: EabKey): AcmeKeyDescription {
  const { id, name, policy, createdAt, expiresAt } = key;
  const { profile, allowed, preauthorized, accounts } = policy;
  return {
    id,
    name,
    profile,
    ...(allowed && { allowed: [...allowed] }),
    preauthorized: [...preauthorized],
    ...(accounts !== undefined && { accounts }),
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  };
}

/** Makes an external account key. The MAC key is told here and never again; it is kept sealed. */
export async function createEabKey(
  context: EabContext,
  wish: EabWish,
  actor: AuditActor,
): Promise<Outcome<{ key: EabKey; secret: string }>> {
  const policy = normalPolicy(wish.policy);
  if ('malformed' in policy) return refuse('name_invalid', policy.malformed);
  if (policy.profile === 'admin' || policy.profile === 'gateway' || policy.profile === 'person') {
    return refuse('profile_forbids', `nobody gets a certificate of profile ${policy.profile} by ACME`);
  }
  const now = context.clock();
  const secret = context.random(32);
  const id = Buffer.from(context.random(12)).toString('base64url');
  const sealed = context.secrets.seal(secret, `eab ${id}`);
  const key: EabKey = { id, name: wish.name, sealed, policy, createdAt: now, expiresAt: now + wish.ttlSeconds * 1000 };
  await context.store.write(async (tx) => {
    await tx.addEabKey(key);
    const { allowed, preauthorized, profile } = policy;
    const details = { id, name: wish.name, profile, preauthorized, ...(allowed && { allowed }) };
    await recordAudit(tx, now, 'acme.eab_created', actor, details);
  });
  return { ok: true, key, secret: encodeBase64url(secret) };
}

function normalPolicy(policy: EabPolicy): EabPolicy | { readonly malformed: string } {
  const patterns = (texts: readonly string[]): string[] => texts.map((text) => parsePattern(text) ?? `?${text}`);
  const preauthorized = patterns(policy.preauthorized);
  const allowed = policy.allowed && patterns(policy.allowed);
  const wrong = [...preauthorized, ...(allowed ?? [])].find((pattern) => pattern.startsWith('?'));
  if (wrong !== undefined) {
    const words = 'is not dns:NAME, dns:*.NAME, dns:.NAME (every name below) or ip:ADDRESS[/BITS]';
    return { malformed: `${JSON.stringify(wrong.slice(1))} ${words}` };
  }
  return { ...policy, preauthorized, allowed };
}

/** Removes an external account key: its accounts place no more orders. */
export function removeEabKey(
  context: Pick<EabContext, 'store' | 'clock'>,
  id: string,
  actor: AuditActor,
): Promise<Outcome<object>> {
  return context.store.write(async (tx) => {
    if (!(await tx.removeEabKey(id))) return refuse('not_found', 'there is no such external account key');
    await recordAudit(tx, context.clock(), 'acme.eab_removed', actor, { id });
    return { ok: true };
  });
}

/**
 * Checks that whoever has an external account key binds this account key with it (RFC 8555, section 7.3.4): a JWS with a MAC, over the
 * account's key, for the URL of the outer request, without a nonce.
 */
export async function readBinding(
  context: EabContext,
  binding: unknown,
  accountKey: AcmeKey,
  url: string,
): Promise<AcmeOutcome<{ eab: EabKey }>> {
  const read = readEnvelope(binding);
  if (!read.ok) return deny('malformed', `externalAccountBinding: ${read.problem.detail}`);
  const { envelope } = read;
  if (envelope.kid === undefined || envelope.nonce !== undefined || envelope.url !== url) {
    return deny('malformed', 'externalAccountBinding has kid and the url of this request, and no nonce');
  }
  if (!/^HS(?:256|384|512)$/u.test(envelope.algorithm)) {
    return deny('badSignatureAlgorithm', 'externalAccountBinding has a MAC', {
      algorithms: ['HS256', 'HS384', 'HS512'],
    });
  }
  const eab = await context.store.eabKey(envelope.kid);
  const secret = eab && context.secrets.open(eab.sealed, `eab ${eab.id}`);
  if (eab === undefined || secret === undefined || !checkMac(envelope, secret)) {
    return deny('unauthorized', 'externalAccountBinding: there is no such key, or the MAC does not hold');
  }
  if (eab.expiresAt < context.clock()) return deny('unauthorized', 'this external account key has expired');
  const payload = readPayload(envelope);
  const inner = payload.ok ? readJwk(payload.payload) : payload;
  if (!inner.ok || inner.key.thumbprint !== accountKey.thumbprint) {
    return deny('malformed', "externalAccountBinding is not over this account's key");
  }
  return { ok: true, eab };
}
