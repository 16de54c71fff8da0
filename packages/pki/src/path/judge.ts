/** All checks of one certificate in its place, in the contract's order of refusals: the first fault, or all of them. */

import type { Certificate } from '../x509/certificate.ts';
import { checkKey, checkSignatureAlgorithm } from './algorithms.ts';
import {
  checkAnchorIsCa,
  checkCertSign,
  checkCritical,
  checkExtendedUsage,
  checkHost,
  checkIsCa,
  checkLeafUsage,
  checkNameConstraints,
  checkPathLength,
  checkTime,
  fault,
} from './checks.ts';
import { PATH_CODES, type CodeGroup } from './codes.ts';
import type { PathContext } from './context.ts';
import { ISSUER_RULES, type Role, type Rule } from './rules/issuer.ts';
import { SPIFFE_RULES } from './rules/spiffe.ts';
import { WEBPKI_RULES } from './rules/webpki.ts';
import type { PathFault, TrustAnchor } from './types.ts';
import type { PathErrorCode } from './codes.ts';

type LeafCheck = (ctx: PathContext, cert: Certificate) => PathFault | undefined;
type IssuerCheck = (ctx: PathContext, cert: Certificate, below: readonly Certificate[]) => PathFault | undefined;

const LEAF_CHECKS: readonly LeafCheck[] = [
  checkSignatureAlgorithm,
  checkKey,
  checkTime,
  checkLeafUsage,
  checkHost,
  (_ctx, cert) => checkCritical(cert),
];

const INTERMEDIATE_CHECKS: readonly IssuerCheck[] = [
  checkSignatureAlgorithm,
  checkKey,
  checkTime,
  (_ctx, cert) => checkCertSign(cert),
  checkExtendedUsage,
  checkOwnNameConstraints,
  (_ctx, cert) => checkIsCa(cert),
  (_ctx, cert, below) => checkPathLength(cert, below),
  (_ctx, cert) => checkCritical(cert),
];

// The signature on the anchor's certificate says nothing: it is trusted for other reasons.
const ANCHOR_CHECKS: readonly IssuerCheck[] = [
  checkKey,
  checkTime,
  (_ctx, cert) => checkCertSign(cert),
  checkExtendedUsage,
  checkOwnNameConstraints,
  (_ctx, cert) => checkAnchorIsCa(cert),
  (_ctx, cert, below) => checkPathLength(cert, below),
  (_ctx, cert) => checkCritical(cert),
];

function checkOwnNameConstraints(
  ctx: PathContext,
  cert: Certificate,
  below: readonly Certificate[],
): PathFault | undefined {
  return cert.nameConstraints && checkNameConstraints(ctx, cert.nameConstraints, cert, below);
}

/** Faults of a leaf, the first only unless `all`. */
export function leafFaults(ctx: PathContext, cert: Certificate, all: boolean): readonly PathFault[] {
  const faults = ruleFaults(ctx, cert, 'leaf', all);
  for (const check of LEAF_CHECKS) {
    if (faults.length > 0 && !all) return faults;
    const found = check(ctx, cert);
    if (found !== undefined) faults.push(found);
  }
  return faults;
}

/**
 * Faults of an intermediate.
 *
 * @param below the path below it, the leaf first.
 */
export function intermediateFaults(
  ctx: PathContext,
  cert: Certificate,
  below: readonly Certificate[],
  all: boolean,
): readonly PathFault[] {
  const faults = ruleFaults(ctx, cert, 'intermediate', all);
  run(INTERMEDIATE_CHECKS, ctx, cert, below, all, faults);
  return faults;
}

/** Faults of a trust anchor. */
export function anchorFaults(
  ctx: PathContext,
  anchor: TrustAnchor,
  below: readonly Certificate[],
  all: boolean,
): readonly PathFault[] {
  const { certificate, nameConstraints } = anchor;
  const faults: PathFault[] = [];
  if (nameConstraints !== undefined) {
    const found = checkNameConstraints(ctx, nameConstraints, certificate, below);
    if (found !== undefined) faults.push(found);
  }
  if (certificate === undefined || (faults.length > 0 && !all)) return faults;
  faults.push(...ruleFaults(ctx, certificate, 'anchor', all));
  run(ANCHOR_CHECKS, ctx, certificate, below, all, faults);
  return faults;
}

function run(
  checks: readonly IssuerCheck[],
  ctx: PathContext,
  cert: Certificate,
  below: readonly Certificate[],
  all: boolean,
  faults: PathFault[],
): void {
  for (const check of checks) {
    if (faults.length > 0 && !all) return;
    const found = check(ctx, cert, below);
    if (found !== undefined) faults.push(found);
  }
}

const RULES: Readonly<Record<Exclude<CodeGroup, 'path'>, readonly (readonly [PathErrorCode, Rule])[]>> = {
  issuer: ISSUER_RULES,
  webpki: WEBPKI_RULES,
  spiffe: SPIFFE_RULES,
};

function ruleFaults(ctx: PathContext, cert: Certificate, role: Role, all: boolean): PathFault[] {
  const faults: PathFault[] = [];
  if (ctx.strict) runRules('issuer', ctx, cert, role, all, faults);
  if (ctx.profile !== 'rfc5280' && (all || faults.length === 0)) runRules(ctx.profile, ctx, cert, role, all, faults);
  return faults;
}

function runRules(
  group: Exclude<CodeGroup, 'path'>,
  ctx: PathContext,
  cert: Certificate,
  role: Role,
  all: boolean,
  faults: PathFault[],
): void {
  for (const [code, rule] of RULES[group]) {
    if (ctx.without.has(code)) continue;
    const detail = rule(cert, role, ctx);
    if (detail === undefined) continue;
    faults.push(fault(code, cert, detail === '' ? PATH_CODES[code].words : `${PATH_CODES[code].words}: ${detail}`));
    if (!all) return;
  }
}
