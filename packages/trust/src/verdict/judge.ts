import { buildAndValidate, nameToString, parseCertificate, PkiError, refusalOf } from '@countersign/pki';
import type { Certificate, PathFault, RevocationChecker, TrustAnchor } from '@countersign/pki';

import { checkRevocation } from '../state/revocation-check.ts';
import type { RevocationFault, SoftPass } from '../state/revocation-check.ts';
import type { LoadedBundle, TrustState } from '../state/trust-state.ts';
import { candidatesFor } from './candidates.ts';
import { claimedIdentity, identityOf } from './identity.ts';
import { keyHash } from './key-hash.ts';
import { pathEntries } from './path-entries.ts';
import type { Presented, VerdictPolicy } from './policy.ts';
import { refuse } from './refuse.ts';
import type { Accepted, Refused, Verdict } from './verdict.ts';

/** What a peer may send at most; OpenSSL's own limit for a whole chain is 100 KB. */
const MAX_CERTIFICATES = 32;
const MAX_BYTES = 256 * 1024;

/**
 * The verdict: whether a peer is acceptable under a policy, now. Every path that the presented certificates, the bundles'
 * intermediates and the known ones allow is considered; the whole path is asked for revocation. It never throws: whatever
 * goes wrong is a refusal.
 *
 * @param now milliseconds since the epoch.
 * @param onSoft told when only a `soft` source lets the peer in; the state's own by default.
 * @example
 * const verdict = judge({ presented: [leafDer, issuingDer], resumed: false }, policy, state, Date.now());
 * if (!verdict.ok) log(verdict.code, verdict.detail);
 */
export function judge(
  peer: Presented,
  policy: VerdictPolicy,
  state: TrustState,
  now: number,
  onSoft: SoftPass | undefined = state.onSoft,
): Verdict {
  try {
    return judgeAnew(peer, policy, state, now, onSoft);
  } catch (error) {
    return refuse('malformed_certificate', `the certificate could not be judged: ${String(error)}`);
  }
}

function judgeAnew(
  peer: Presented,
  policy: VerdictPolicy,
  state: TrustState,
  now: number,
  onSoft: SoftPass | undefined,
): Verdict {
  const { presented } = peer;
  if (presented.length === 0) return refuse('no_certificate', 'no client certificate was presented');
  const cached = state.cache.get(policy, presented);
  if (cached !== undefined && state.standing(cached, now, onSoft) === undefined) return applyRules(cached, policy);

  const bytes = presented.reduce((sum, der) => sum + der.length, 0);
  if (presented.length > MAX_CERTIFICATES || bytes > MAX_BYTES) {
    return refuse('malformed_certificate', `${presented.length} certificates of ${bytes} octets were presented`);
  }
  const leaf = parse(presented[0] ?? new Uint8Array());
  if (leaf instanceof PkiError) return refuse('malformed_certificate', `${leaf.code}: ${leaf.message}`);
  const others = presented.slice(1).map(parse);
  const sent = others.filter((other): other is Certificate => !(other instanceof PkiError));

  const anchors = state.anchors(policy);
  const search = new Search(state, anchors, now);
  const result = buildAndValidate(leaf, {
    anchors: [...anchors.keys()],
    intermediates: candidatesFor(leaf, [sent, ...bundlesOf(policy, state)], state.intermediates),
    time: now,
    crypto: state.crypto,
    signatures: state.signatures,
    profile: policy.profile ?? 'rfc5280',
    purpose: policy.purpose ?? 'client',
    revocation: search.check,
  });
  if (result.ok) {
    const path = result.path.filter((certificate) => certificate !== result.anchor.certificate);
    state.remember(path);
    const verdict = accept([leaf, ...path.slice(1)], result.anchor, anchors, state);
    // Where the leaf is an anchor itself the search asks nobody; and a second that has begun is over for pki only at its end.
    const fallen = state.standing(verdict, now, onSoft);
    if (fallen !== undefined) return fallen;
    state.cache.set(policy, presented, verdict);
    return applyRules(verdict, policy);
  }

  const identity = claimedIdentity(leaf);
  const code = refusalOf(result.code);
  if (code === 'untrusted_issuer') return explainUntrusted(result, peer, { leaf, others, policy, state });
  // Only where nothing else is wrong with the path that came closest does it matter why its revocation is not known.
  if (code !== 'revocation_unknown') return refuse(code, result.detail, { at: subjectOf(result.at), identity });
  const pending = pendingOf(search, leaf, { anchors, policy, state });
  if (search.stale === undefined) return refuse(code, result.detail, { at: subjectOf(result.at), identity, pending });
  const { fault, path, anchor } = search.stale;
  const verdict = applyRules(accept([leaf, ...path.slice(1)], anchor, anchors, state), policy);
  if (!verdict.ok) return verdict;
  return refuse(fault.code, fault.detail, { at: subjectAt(path, fault.index), identity, pending });
}

/** A path that failed on what is not known alone, where that can be asked for, and the rules would let its holder in. */
function pendingOf(
  { open }: Search,
  leaf: Certificate,
  context: { anchors: ReadonlyMap<TrustAnchor, LoadedBundle>; policy: VerdictPolicy; state: TrustState },
): Accepted | undefined {
  if (open === undefined) return undefined;
  const verdict = accept([leaf, ...open.path.slice(1)], open.anchor, context.anchors, context.state);
  const ruled = applyRules(verdict, context.policy);
  return ruled.ok ? ruled : undefined;
}

/**
 * Follows the search for a path: asks for revocation, and keeps the first path that fails on old news alone, and the first of
 * which more could be known by asking.
 */
class Search {
  stale: { fault: RevocationFault; path: readonly Certificate[]; anchor: TrustAnchor } | undefined;
  open: { path: readonly Certificate[]; anchor: TrustAnchor } | undefined;
  readonly #state: TrustState;
  readonly #anchors: ReadonlyMap<TrustAnchor, LoadedBundle>;
  readonly #now: number;

  constructor(state: TrustState, anchors: ReadonlyMap<TrustAnchor, LoadedBundle>, now: number) {
    this.#state = state;
    this.#anchors = anchors;
    this.#now = now;
  }

  readonly check: RevocationChecker = ({ path, anchor }): PathFault | undefined => {
    const responsible = this.#anchors.get(anchor)?.source;
    for (const issuer of path.slice(1)) responsible?.learnIssuer?.(issuer);
    const { sources } = this.#state;
    const entries = pathEntries(path, anchor);
    const fault = checkRevocation(entries, { sources, responsible, now: this.#now });
    if (fault === undefined) return undefined;
    if (fault.code !== 'revoked' && entries.some((entry) => responsible?.wants?.(entry, this.#now) === true)) {
      this.open ??= { path, anchor };
    }
    if (fault.code === 'revocation_stale') this.stale ??= { fault, path, anchor };
    const code = fault.code === 'revoked' ? 'revoked' : 'revocation_unknown';
    return { code, at: path[fault.index], detail: fault.detail };
  };
}

function accept(
  path: readonly [Certificate, ...Certificate[]],
  anchor: TrustAnchor,
  anchors: ReadonlyMap<TrustAnchor, LoadedBundle>,
  state: TrustState,
): Accepted {
  const entries = pathEntries(path, anchor);
  const anchorKeyHash = keyHash(anchor.spki);
  const issuer = entries[0]?.issuerKeyHash ?? anchorKeyHash;
  const ends = entries.map((entry) => entry.notAfter);
  if (anchor.certificate !== undefined) ends.push(anchor.certificate.notAfter);
  return {
    ok: true,
    identity: identityOf(path, issuer, state.isOwn(anchorKeyHash)),
    path: entries,
    anchorKeyHash,
    bundle: anchors.get(anchor)?.bundle.name ?? '',
    expiresAt: Math.min(...ends),
    generation: state.generation,
  };
}

/** A rule that throws admits nobody. */
function applyRules(verdict: Accepted, policy: VerdictPolicy): Verdict {
  const { identity } = verdict;
  if (policy.allow === undefined) return verdict;
  try {
    if (policy.allow(identity)) return verdict;
    return refuse('not_allowed', `no rule of ${policy.id} names ${identity.subject}`, {
      at: identity.subject,
      identity,
    });
  } catch (error) {
    return refuse('not_allowed', `a rule of ${policy.id} failed: ${String(error)}`, { at: identity.subject, identity });
  }
}

function explainUntrusted(
  fault: PathFault,
  peer: Presented,
  {
    leaf,
    others,
    policy,
    state,
  }: {
    leaf: Certificate;
    others: readonly (Certificate | PkiError)[];
    policy: VerdictPolicy;
    state: TrustState;
  },
): Refused {
  const identity = claimedIdentity(leaf);
  const at = subjectOf(fault.at);
  const broken = others.find((other) => other instanceof PkiError);
  if (broken !== undefined) {
    const detail = `no path, and a certificate sent along cannot be read: ${broken.code}: ${broken.message}`;
    return refuse('malformed_certificate', detail, { at, identity });
  }
  const missing = policy.bundles.filter((name) => state.bundle(name) === undefined);
  if (missing.length > 0) {
    return refuse('starting', `not loaded yet: the bundle ${missing.join(', ')}`, { at, identity });
  }
  const incomplete = peer.resumed && fault.code === 'no_issuer' ? { incomplete: true as const } : {};
  return refuse('untrusted_issuer', fault.detail, { at, identity, ...incomplete });
}

function bundlesOf(policy: VerdictPolicy, state: TrustState): ReadonlyMap<string, readonly Certificate[]>[] {
  return policy.bundles.flatMap((name) => state.bundle(name)?.bySubject ?? []);
}

function parse(der: Uint8Array): Certificate | PkiError {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (error instanceof PkiError) return error;
    throw error;
  }
}

function subjectOf(certificate: Certificate | undefined): string | undefined {
  return certificate === undefined ? undefined : nameToString(certificate.subject);
}

function subjectAt(path: readonly Certificate[], index: number): string | undefined {
  return subjectOf(path[index]);
}
