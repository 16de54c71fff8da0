import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { ServerCertificate } from '../worker/messages.ts';

/** A server certificate that was checked: the key is its own, and TLS takes both. */
export interface CheckedCertificate extends ServerCertificate {
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** What is odd about it although it works. */
  readonly warnings: readonly string[];
}

/**
 * Checks a certificate and key before anybody serves with them: a pair that does not belong together, or a file that is half
 * written, must not take the place of one that works.
 *
 * @param names - the hosts that it is to be shown for
 * @param now - milliseconds since the epoch
 * @throws Error in words
 */
export function checkServerCertificate(
  pair: ServerCertificate,
  names: readonly string[],
  now: number,
): CheckedCertificate {
  const leaf = new X509Certificate(pair.cert);
  if (!leaf.checkPrivateKey(createPrivateKey(pair.key))) throw new Error('the key is not the one of the certificate');
  createSecureContext({ cert: pair.cert, key: pair.key });
  const notBefore = leaf.validFromDate.getTime();
  const notAfter = leaf.validToDate.getTime();
  const warnings = names
    .filter((name) => name !== '*' && !covers(leaf, name))
    .map((name) => `the certificate ${leaf.subject.replaceAll('\n', ', ')} is not for ${name}`);
  if (notAfter < now) warnings.push(`the certificate has expired at ${leaf.validToDate.toISOString()}`);
  if (notBefore > now) warnings.push(`the certificate is not valid before ${leaf.validFromDate.toISOString()}`);
  return { ...pair, notBefore, notAfter, warnings };
}

function covers(leaf: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return leaf.checkIP(name) !== undefined;
  // A wildcard of the configuration is covered by the same wildcard, or by each name below it; one that nobody has stands for all.
  return leaf.checkHost(name.startsWith('*.') ? `any-label${name.slice(1)}` : name, { subject: 'never' }) !== undefined;
}
