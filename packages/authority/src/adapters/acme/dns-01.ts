import { hash } from 'node:crypto';
import type { ValidationTask } from '../../domain/acme/validations.ts';
import { ValidationFailed } from './failure.ts';
import type { NameResolver } from './resolver.ts';

/** Looks for a digest of the key authorization in the DNS (RFC 8555, section 8.4). */
export async function validateDns01(resolver: NameResolver, task: ValidationTask, signal: AbortSignal): Promise<void> {
  const name = `_acme-challenge.${task.identifier.value}`;
  const expected = hash('sha256', task.keyAuthorization, 'base64url');
  const texts = await resolver.texts(name, signal);
  if (texts.includes(expected)) return;
  // Of several name servers one may not have it yet.
  const found = `${texts.length} TXT record${texts.length === 1 ? '' : 's'}`;
  throw new ValidationFailed('unauthorized', `${name} has ${found}, and none is the one that was asked for`, true);
}
