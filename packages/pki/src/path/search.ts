/**
 * The search for a path, from the leaf upwards, depth first. Whatever can be said about a candidate without its
 * signature is said before the signature is paid for, signatures are checked once, and steps and signatures are bounded:
 * the cost is at worst the budget, never exponential.
 */

import { equalOctets } from '../der/octets.ts';
import type { Certificate } from '../x509/certificate.ts';
import { nameEquals } from '../x509/name.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';
import { fault, isLongerThan } from './checks.ts';
import type { PathContext } from './context.ts';
import { lacksParameters, workingKeys } from './dsa.ts';
import { Issuers } from './issuers.ts';
import { anchorFaults, intermediateFaults } from './judge.ts';
import { checkPolicies, type PolicyResult } from './policy.ts';
import { SignatureChecker, type SignatureVerdict } from './signatures.ts';
import type { PathAttempt, PathFault, TrustAnchor, ValidPath } from './types.ts';

/** A chain that reaches a trust anchor with valid signatures, and everything else that is wrong with it. */
export interface CompletePath {
  readonly path: readonly Certificate[];
  readonly anchor: TrustAnchor;
  readonly faults: readonly PathFault[];
  readonly policies: PolicyResult | undefined;
}

/** How many complete paths are judged once it is clear that none is valid. */
const MAX_COMPLETE = 16;

/** After so many signatures, names decide first whether a branch can reach a trust anchor at all. */
const SIGNATURES_BEFORE_NAMES = 4;

/** After so many steps it is found out, from the anchors down, which certificates are worth a look. */
const STEPS_BEFORE_MAP = 64;

export class Search {
  readonly #ctx: PathContext;
  readonly #issuers: Issuers;
  readonly #signatures: SignatureChecker;
  readonly #attempts: PathAttempt[] = [];
  readonly #chain: Certificate[] = [];
  #steps = 0;
  #stopped = false;
  #ranOut = false;
  #collect: CompletePath[] | undefined;
  #map: ReadonlySet<Certificate> | undefined;

  constructor(ctx: PathContext) {
    this.#ctx = ctx;
    this.#issuers = new Issuers(ctx);
    this.#signatures = new SignatureChecker(ctx.options.crypto, ctx.options.signatures, ctx.budget.signatures);
  }

  /** Every branch that was given up, in the order tried, within the budget. */
  get attempts(): readonly PathAttempt[] {
    return this.#attempts;
  }

  /** Whether a limit kept a branch from being tried. */
  get ranOut(): boolean {
    return this.#ranOut;
  }

  /** The first path of a faultless leaf that is valid. */
  find(leaf: Certificate): ValidPath | undefined {
    this.#chain.length = 0;
    this.#chain.push(leaf);
    return this.#extend();
  }

  /**
   * Paths to a trust anchor with valid signatures, whatever else is wrong with them: what there is to say when no path
   * is valid.
   *
   * @param leafFaults faults of the leaf, part of each path's.
   */
  collect(leaf: Certificate, leafFaults: readonly PathFault[]): readonly CompletePath[] {
    const complete: CompletePath[] = [];
    this.#collect = complete;
    this.#steps = 0;
    this.#stopped = false;
    // What cannot be checked is followed in this search, but was not in the one before.
    this.#map = undefined;
    this.#chain.length = 0;
    this.#chain.push(leaf);
    this.#extend();
    return complete.map((found) => ({ ...found, faults: [...leafFaults, ...found.faults] }));
  }

  #extend(): ValidPath | undefined {
    const child = this.#chain.at(-1)!;
    let tried = 0;
    for (const spelling of ['same', 'other'] as const) {
      for (const candidate of this.#issuers.of(child, spelling)) {
        if (this.#stopped) return undefined;
        tried += 1;
        this.#steps += 1;
        if (this.#steps > this.#ctx.budget.steps) {
          this.#stopped = true;
          return this.#runOut(child, 'steps');
        }
        const found =
          candidate.anchor === undefined
            ? this.#tryIntermediate(child, candidate.certificate!)
            : this.#tryAnchor(child, candidate.anchor);
        if (found !== undefined) return found;
      }
    }
    if (tried === 0) this.#giveUp(this.#chain, fault('no_issuer', child, 'no certificate with the name of its issuer'));
    return undefined;
  }

  #tryIntermediate(child: Certificate, cert: Certificate): ValidPath | undefined {
    if (this.#isOnChain(cert)) return undefined;
    if (this.#chain.length >= this.#ctx.budget.depth) return this.#runOut(child, 'depth');
    const extended = [...this.#chain, cert];
    if (this.#collect === undefined) {
      const found = intermediateFaults(this.#ctx, cert, this.#chain, false)[0] ?? this.#tooLong(extended);
      if (found !== undefined) return this.#giveUp(extended, found);
    }
    if (!this.#mayLeadToAnchor(cert))
      return this.#giveUp(extended, fault('no_issuer', cert, 'no trust anchor above it'));
    if (!this.#isSigned(child, cert.spki, extended)) return undefined;
    this.#chain.push(cert);
    const found = this.#extend();
    this.#chain.pop();
    return found;
  }

  #mayLeadToAnchor(cert: Certificate): boolean {
    if (this.#steps > STEPS_BEFORE_MAP) {
      this.#map ??= this.#issuers.signedByAnchors((child, spki) => this.#isGenuine(child, spki));
      return this.#map.has(cert);
    }
    return this.#signatures.spent < SIGNATURES_BEFORE_NAMES || this.#issuers.namesLeadToAnchor(cert);
  }

  #isGenuine(child: Certificate, spki: SubjectPublicKeyInfo): boolean {
    if (lacksParameters(spki) && this.#ctx.legacy) return true;
    const verdict = this.#signatures.check(child, spki);
    if (verdict === 'over_budget') this.#runOut(child, 'signatures');
    return verdict === 'valid' || (verdict === 'uncheckable' && this.#collect !== undefined);
  }

  #tryAnchor(child: Certificate, anchor: TrustAnchor): ValidPath | undefined {
    const { spki, certificate } = anchor;
    const extended = certificate === undefined ? this.#chain : [...this.#chain, certificate];
    if (this.#collect === undefined) {
      const [found] = anchorFaults(this.#ctx, anchor, this.#chain, false);
      if (found !== undefined) return this.#giveUp(extended, found);
    }
    if (!this.#isSigned(child, spki, extended)) return undefined;
    const path = [...this.#chain];
    const late = this.#checkInheritedKeys(path, anchor);
    if (late !== undefined) return this.#giveUp(extended, late);
    if (this.#collect !== undefined) {
      const whole = this.#judgeWhole(path, anchor);
      const faults = this.#allFaults(path, anchor);
      if ('code' in whole) faults.push(whole);
      this.#collect.push({ path, anchor, faults, policies: 'code' in whole ? undefined : whole });
      if (this.#collect.length >= MAX_COMPLETE) this.#stopped = true;
      return undefined;
    }
    const judged = this.#judgeWhole(path, anchor);
    if ('code' in judged) return this.#giveUp(extended, judged);
    return { ok: true, path: extended === this.#chain ? path : extended, anchor, policies: judged };
  }

  /** What can be judged only once the path is complete. */
  #judgeWhole(path: readonly Certificate[], anchor: TrustAnchor): PolicyResult | PathFault {
    const { options } = this.#ctx;
    const outcome = checkPolicies(path.toReversed(), options.policies ?? {});
    if (!outcome.ok) return fault(outcome.code, outcome.at, 'along the path');
    return options.revocation?.({ path, anchor }, options) ?? outcome.policies;
  }

  #tooLong(path: readonly Certificate[]): PathFault | undefined {
    const most = this.#ctx.options.maxPathLength;
    if (most === undefined || !isLongerThan(most, path)) return undefined;
    return fault('path_length', path.at(-1), `more intermediates than ${most}`);
  }

  /** A certificate with the name and key of one on the chain leads nowhere that the chain does not lead already. */
  #isOnChain(cert: Certificate): boolean {
    return this.#chain.some(
      (other) =>
        other === cert || (equalOctets(other.spki.der, cert.spki.der) && nameEquals(other.subject, cert.subject)),
    );
  }

  #isSigned(child: Certificate, spki: SubjectPublicKeyInfo, extended: readonly Certificate[]): boolean {
    if (lacksParameters(spki) && this.#ctx.legacy) return true;
    const verdict = this.#signatures.check(child, spki);
    if (verdict === 'valid') return true;
    // Refused for its algorithm anyway; whether the link is genuine cannot be known, and the refusal is the better answer.
    if (verdict === 'uncheckable' && this.#collect !== undefined) return true;
    if (verdict === 'over_budget') this.#runOut(child, 'signatures');
    else this.#giveUp(extended, signatureFault(child, verdict));
    return false;
  }

  /** Signatures by keys whose parameters only the finished path tells. */
  #checkInheritedKeys(path: readonly Certificate[], anchor: TrustAnchor): PathFault | undefined {
    if (!path.some(({ spki }) => lacksParameters(spki))) return undefined;
    const keys = workingKeys(path, anchor.spki);
    for (let i = 0; i + 1 < path.length; i += 1) {
      const verdict = this.#signatures.check(path[i]!, keys[i + 1]!);
      if (verdict !== 'valid') return signatureFault(path[i]!, verdict);
    }
    return undefined;
  }

  #allFaults(path: readonly Certificate[], anchor: TrustAnchor): PathFault[] {
    const faults: PathFault[] = [];
    for (let i = 1; i < path.length; i += 1) {
      faults.push(...intermediateFaults(this.#ctx, path[i]!, path.slice(0, i), true));
    }
    const tooLong = this.#tooLong(path);
    if (tooLong !== undefined) faults.push(tooLong);
    faults.push(...anchorFaults(this.#ctx, anchor, path, true));
    for (const [i, cert] of path.entries()) {
      const verdict = this.#signatures.check(cert, path[i + 1]?.spki ?? anchor.spki);
      if (verdict === 'uncheckable') faults.push(signatureFault(cert, verdict));
    }
    return faults;
  }

  #giveUp(path: readonly Certificate[], found: PathFault): undefined {
    if (this.#collect === undefined && this.#attempts.length < this.#ctx.budget.attempts) {
      this.#attempts.push({ ...found, path: [...path] });
    }
    return undefined;
  }

  #runOut(at: Certificate, what: 'steps' | 'signatures' | 'depth'): undefined {
    if (!this.#ranOut)
      this.#giveUp(this.#chain, fault('budget_exhausted', at, `limit of ${what}: ${this.#ctx.budget[what]}`));
    this.#ranOut = true;
    return undefined;
  }
}

function signatureFault(cert: Certificate, verdict: SignatureVerdict): PathFault {
  return verdict === 'invalid'
    ? fault('signature_invalid', cert, 'under this key')
    : fault(
        'algorithm_refused',
        cert,
        'its signature algorithm or the key of its issuer is not known, or does not fit the other',
      );
}
