/**
 * Certificate policies along a path: the policy graph of RFC 9618, which takes the place of RFC 5280's policy tree and
 * grows with the number of policies, not exponentially with the length of the path.
 */

import type { Certificate } from '../x509/certificate.ts';
import { OID } from '../x509/oids.ts';
import { isSelfIssued } from './checks.ts';
import type { PathErrorCode } from './codes.ts';

/** The inputs (c) to (g) of RFC 5280 section 6.1.1. */
export interface PolicyInput {
  /** user-initial-policy-set; absent or with anyPolicy: any policy will do. */
  readonly acceptable?: readonly string[];
  /** initial-explicit-policy: the path must be valid for a policy. */
  readonly requireExplicit?: boolean;
  /** initial-policy-mapping-inhibit. */
  readonly inhibitMapping?: boolean;
  /** initial-any-policy-inhibit. */
  readonly inhibitAny?: boolean;
}

/** The policies of the trust anchor's domain for which the path is valid. */
export interface PolicyResult {
  /** authorities-constrained-policy-set; `2.5.29.32.0` stands for any. */
  readonly authority: readonly string[];
  /** user-constrained-policy-set. */
  readonly user: readonly string[];
}

export type PolicyOutcome =
  | { readonly ok: true; readonly policies: PolicyResult }
  | { readonly ok: false; readonly code: PathErrorCode; readonly at: Certificate };

interface PolicyNode {
  readonly policy: string;
  /** Empty for the root alone. */
  readonly parents: readonly PolicyNode[];
  expected: ReadonlySet<string>;
}

type Level = Map<string, PolicyNode>;

const ANY = OID.anyPolicy;
const ROOT: PolicyNode = { policy: ANY, parents: [], expected: new Set([ANY]) };
const NO_POLICIES: PolicyResult = { authority: [], user: [] };

/** Policies and mappings of one certificate beyond which nobody means well. */
const MAX_POLICIES = 1024;

/**
 * Runs the policy part of RFC 5280 section 6.1.3 (d) to (f), 6.1.4 (a), (b), (h) to (j) and 6.1.5 (a), (b), (g),
 * as RFC 9618 has changed it.
 *
 * @param path the certificates below the trust anchor, the one it issued first.
 */
export function checkPolicies(path: readonly Certificate[], input: PolicyInput): PolicyOutcome {
  const n = path.length;
  const wantsExplicit = input.requireExplicit === true;
  if (!wantsExplicit && !path.some(speaksOfPolicies)) return { ok: true, policies: NO_POLICIES };

  let explicitPolicy = wantsExplicit ? 0 : n + 1;
  let inhibitAny = input.inhibitAny === true ? 0 : n + 1;
  let policyMapping = input.inhibitMapping === true ? 0 : n + 1;
  let level: Level | undefined = new Map([[ANY, ROOT]]);

  for (const [index, cert] of path.entries()) {
    const last = index === n - 1;
    const selfIssued = isSelfIssued(cert);
    if (isOverBudget(cert)) return { ok: false, code: 'policy_budget', at: cert };
    level = level && nextLevel(level, cert, inhibitAny > 0 || (!last && selfIssued));
    if (explicitPolicy <= 0 && level === undefined) return { ok: false, code: 'policy', at: cert };

    if (!last) {
      for (const { issuerDomainPolicy, subjectDomainPolicy } of cert.policyMappings ?? []) {
        if (issuerDomainPolicy === ANY || subjectDomainPolicy === ANY)
          return { ok: false, code: 'any_policy_mapped', at: cert };
      }
      level = level && applyMappings(level, cert, policyMapping > 0);
      if (!selfIssued) {
        explicitPolicy = Math.max(0, explicitPolicy - 1);
        policyMapping = Math.max(0, policyMapping - 1);
        inhibitAny = Math.max(0, inhibitAny - 1);
      }
      explicitPolicy = Math.min(explicitPolicy, cert.policyConstraints?.requireExplicitPolicy ?? explicitPolicy);
      policyMapping = Math.min(policyMapping, cert.policyConstraints?.inhibitPolicyMapping ?? policyMapping);
      inhibitAny = Math.min(inhibitAny, cert.inhibitAnyPolicy ?? inhibitAny);
    } else {
      explicitPolicy = Math.max(0, explicitPolicy - 1);
      if (cert.policyConstraints?.requireExplicitPolicy === 0) explicitPolicy = 0;
    }
  }

  const policies = level === undefined ? NO_POLICIES : wrapUp(level, input.acceptable);
  const leaf = path[n - 1];
  return explicitPolicy > 0 || policies.user.length > 0 || leaf === undefined
    ? { ok: true, policies }
    : { ok: false, code: 'policy', at: leaf };
}

function speaksOfPolicies(cert: Certificate): boolean {
  return (
    cert.certificatePolicies !== undefined ||
    cert.policyConstraints !== undefined ||
    cert.policyMappings !== undefined ||
    cert.inhibitAnyPolicy !== undefined
  );
}

function isOverBudget(cert: Certificate): boolean {
  return (cert.certificatePolicies?.length ?? 0) > MAX_POLICIES || (cert.policyMappings?.length ?? 0) > MAX_POLICIES;
}

/** 6.1.3 (d), (e): the nodes of the next depth, `undefined` when there are none (the graph is NULL). */
function nextLevel(above: Level, cert: Certificate, anyAllowed: boolean): Level | undefined {
  if (cert.certificatePolicies === undefined) return undefined;
  const expecting = new Map<string, PolicyNode[]>();
  for (const node of above.values()) {
    for (const policy of node.expected) {
      const nodes = expecting.get(policy);
      if (nodes === undefined) expecting.set(policy, [node]);
      else nodes.push(node);
    }
  }
  const anyAbove = above.get(ANY);
  const level: Level = new Map();
  let hasAny = false;
  for (const { oid: policy } of cert.certificatePolicies) {
    if (policy === ANY) {
      hasAny = true;
      continue;
    }
    const parents = expecting.get(policy) ?? (anyAbove === undefined ? undefined : [anyAbove]);
    if (parents !== undefined) level.set(policy, newNode(policy, parents));
  }
  if (hasAny && anyAllowed) {
    for (const [policy, parents] of expecting) {
      if (!level.has(policy)) level.set(policy, newNode(policy, parents));
    }
  }
  return level.size === 0 ? undefined : level;
}

function newNode(policy: string, parents: readonly PolicyNode[]): PolicyNode {
  return { policy, parents, expected: new Set([policy]) };
}

/** 6.1.4 (b). */
function applyMappings(level: Level, cert: Certificate, allowed: boolean): Level | undefined {
  if (cert.policyMappings === undefined) return level;
  const mapped = new Map<string, Set<string>>();
  for (const { issuerDomainPolicy, subjectDomainPolicy } of cert.policyMappings) {
    const subjects = mapped.get(issuerDomainPolicy);
    if (subjects === undefined) mapped.set(issuerDomainPolicy, new Set([subjectDomainPolicy]));
    else subjects.add(subjectDomainPolicy);
  }
  const any = level.get(ANY);
  for (const [policy, subjects] of mapped) {
    const node = level.get(policy);
    if (!allowed) level.delete(policy);
    else if (node !== undefined) node.expected = subjects;
    else if (any !== undefined) level.set(policy, { policy, parents: any.parents.filter(isAny), expected: subjects });
  }
  return level.size === 0 ? undefined : level;
}

function isAny(node: PolicyNode): boolean {
  return node.policy === ANY;
}

/**
 * 6.1.5 (g): a node below anyPolicy is where a policy of the trust anchor's domain enters the graph; those from which
 * the last depth is reached are the policies of the path.
 */
function wrapUp(level: Level, acceptable: readonly string[] | undefined): PolicyResult {
  const authority = new Set<string>();
  const seen = new Set<PolicyNode>();
  const pending = [...level.values()];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.policy !== ANY && node.parents.some(isAny)) authority.add(node.policy);
    for (const parent of node.parents) if (!isAny(parent)) pending.push(parent);
  }
  if (level.has(ANY)) authority.add(ANY);
  if (acceptable === undefined || acceptable.includes(ANY)) return { authority: [...authority], user: [...authority] };
  const user = authority.has(ANY) ? acceptable : acceptable.filter((policy) => authority.has(policy));
  return { authority: [...authority], user };
}
