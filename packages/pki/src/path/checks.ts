/**
 * What RFC 5280 section 6 asks of a single certificate in its place on a path. Each check answers with its first fault;
 * the order of the calls in `judge.ts` is the contract's order of refusals.
 */

import type { Certificate } from '../x509/certificate.ts';
import { nameEquals } from '../x509/name.ts';
import { OID } from '../x509/oids.ts';
import type { PathErrorCode } from './codes.ts';
import type { PathContext } from './context.ts';
import { matchHost } from './names/host.ts';
import { checkNames, compileConstraints } from './names/constraints.ts';
import type { NameConstraints } from '../x509/extensions/constraints.ts';
import type { PathFault } from './types.ts';

const KEY_CERT_SIGN = 1 << 5;

export function fault(code: PathErrorCode, at: Certificate | undefined, detail: string): PathFault {
  return { code, at, detail };
}

/** Whether issuer and subject are the same name (RFC 5280, 6.1). */
export function isSelfIssued(cert: Certificate): boolean {
  return nameEquals(cert.subject, cert.issuer);
}

/** 6.1.3 (a)(2). */
export function checkTime(ctx: PathContext, cert: Certificate): PathFault | undefined {
  if (ctx.time < cert.notBefore) return fault('not_yet_valid', cert, `valid from ${isoTime(cert.notBefore)}`);
  if (ctx.time > cert.notAfter) return fault('expired', cert, `expired on ${isoTime(cert.notAfter)}`);
  return undefined;
}

function isoTime(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}

/** Key usage and extended key usage of the leaf for the purpose (4.2.1.3, 4.2.1.12; 6.1.5 leaves it to the application). */
export function checkLeafUsage(ctx: PathContext, cert: Certificate): PathFault | undefined {
  const mask = cert.keyUsage?.mask;
  if (mask !== undefined && ctx.leafKeyUsages !== 0 && (mask & ctx.leafKeyUsages) === 0) {
    return fault('key_usage', cert, `has only ${cert.keyUsage?.names.join(', ')}`);
  }
  const missing = cert.keyUsage && ctx.options.keyUsages?.find((usage) => !cert.keyUsage?.has(usage));
  return missing === undefined ? checkExtendedUsage(ctx, cert) : fault('key_usage', cert, `${missing} is missing`);
}

/** Extended key usages narrow a chain: one on a CA holds for all below it. */
export function checkExtendedUsage(ctx: PathContext, cert: Certificate): PathFault | undefined {
  const allowed = ctx.usages.length === 0 ? undefined : cert.extendedKeyUsage;
  if (allowed === undefined || allowed.includes(OID.anyExtendedKeyUsage)) return undefined;
  for (const usage of ctx.usages) {
    if (!allowed.includes(usage))
      return fault('extended_key_usage', cert, `${usage} is not among ${allowed.join(', ')}`);
  }
  return undefined;
}

/** 6.1.4 (n). */
export function checkCertSign(cert: Certificate): PathFault | undefined {
  const mask = cert.keyUsage?.mask;
  if (mask === undefined || (mask & KEY_CERT_SIGN) !== 0) return undefined;
  return fault('ca_key_usage', cert, `has only ${cert.keyUsage?.names.join(', ')}`);
}

/** 6.1.4 (k): only a version 3 certificate can say that it is a CA. */
export function checkIsCa(cert: Certificate): PathFault | undefined {
  if (cert.version !== 3) return fault('version_not_3', cert, `version ${cert.version}`);
  if (cert.basicConstraints?.ca === true) return undefined;
  return fault(
    'not_a_ca',
    cert,
    cert.basicConstraints === undefined ? 'no basic constraints' : 'basic constraints say it is no CA',
  );
}

/**
 * A trust anchor is a CA because it is trusted; only where its certificate speaks of CAs at all must it call itself one.
 */
export function checkAnchorIsCa(cert: Certificate): PathFault | undefined {
  if (cert.basicConstraints === undefined || cert.basicConstraints.ca) return undefined;
  return fault('not_a_ca', cert, 'basic constraints say it is no CA');
}

/**
 * Whether there are more than `most` intermediates that are not self-issued (6.1.4 (l), 4.2.1.9). Names are compared only
 * where it matters.
 *
 * @param path the leaf, which never counts, first.
 */
export function isLongerThan(most: number, path: readonly Certificate[]): boolean {
  return path.length - 1 > most && path.slice(1).filter((cert) => !isSelfIssued(cert)).length > most;
}

/** 6.1.4 (l), (m), seen from the issuer. */
export function checkPathLength(cert: Certificate, below: readonly Certificate[]): PathFault | undefined {
  const most = cert.basicConstraints?.pathLen;
  if (most === undefined || !isLongerThan(most, below)) return undefined;
  return fault('path_length', cert, `it allows ${most} intermediates below it`);
}

/** 6.1.4 (o), 6.1.5 (f). */
export function checkCritical(cert: Certificate): PathFault | undefined {
  const unknown = cert.unknownCriticalExtensions;
  return unknown.length === 0 ? undefined : fault('critical_extension', cert, unknown.join(', '));
}

/**
 * 6.1.3 (b), (c), seen from the certificate with the constraints: to the leaf, and to every certificate between that is
 * not self-issued.
 *
 * @param below the path below it, the leaf first.
 */
export function checkNameConstraints(
  ctx: PathContext,
  constraints: NameConstraints,
  cert: Certificate | undefined,
  below: readonly Certificate[],
): PathFault | undefined {
  const compiled = compileConstraints(constraints, ctx.strict);
  for (const [index, subject] of below.entries()) {
    if (index > 0 && isSelfIssued(subject)) continue;
    const refused = checkNames(compiled, subject, ctx.budget.nameComparisons);
    if (refused !== undefined) return fault(refused.code, cert, refused.detail);
  }
  return undefined;
}

/** RFC 9525. */
export function checkHost(ctx: PathContext, cert: Certificate): PathFault | undefined {
  const { host } = ctx.options;
  return host === undefined || matchHost(cert, host) ? undefined : fault('host_mismatch', cert, JSON.stringify(host));
}
