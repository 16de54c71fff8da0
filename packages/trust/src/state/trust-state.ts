import { createSignatureCache, parseCertificate } from '@countersign/pki';
import type { Certificate, Crypto, SignatureCache, TrustAnchor } from '@countersign/pki';

import type { Bundle } from '../bundle/bundle.ts';
import { nodeCrypto } from '../crypto/node-crypto.ts';
import type { LiveRules } from '../live/live-register.ts';
import { judge } from '../verdict/judge.ts';
import { keyHash } from '../verdict/key-hash.ts';
import type { VerdictPolicy } from '../verdict/policy.ts';
import { refuse } from '../verdict/refuse.ts';
import { VerdictCache } from '../verdict/verdict-cache.ts';
import type { Accepted, PathEntry, Refused, Verdict } from '../verdict/verdict.ts';
import { IntermediateStore } from './intermediate-store.ts';
import { checkRevocation } from './revocation-check.ts';
import type { SoftPass } from './revocation-check.ts';
import type { RevocationSource } from './revocation-source.ts';

export interface TrustStateOptions {
  readonly crypto?: Crypto | undefined;
  readonly intermediates?: IntermediateStore | undefined;
  /** An intermediate of a verified path was not known before: tell the other workers, which `learn` it. */
  readonly onIntermediate?: ((der: Uint8Array) => void) | undefined;
  /** A path was let through by a `soft` source whose news is too old or missing: count it, and raise the alarm. */
  readonly onSoft?: SoftPass | undefined;
}

/** A bundle as judging needs it. */
export interface LoadedBundle {
  readonly bundle: Bundle;
  /** What speaks for the revocation of its certificates; undefined: nothing is asked. */
  readonly source: RevocationSource | undefined;
  /** The bundle's intermediates by `Name.key` of their subjects. */
  readonly bySubject: ReadonlyMap<string, readonly Certificate[]>;
}

/**
 * Everything a verdict rests on, in one process: bundles, policies, the sources of revocation, known intermediates. Its
 * `generation` grows whenever a verdict of before could be another now; revocations need no new generation, because they
 * are asked anew each time.
 */
export class TrustState implements LiveRules {
  readonly crypto: Crypto;
  readonly intermediates: IntermediateStore;
  readonly cache = new VerdictCache();
  /** Signatures checked before: those of intermediates come again with every client. */
  readonly signatures: SignatureCache;
  readonly #options: TrustStateOptions;
  readonly #bundles = new Map<string, LoadedBundle>();
  readonly #sources = new Set<RevocationSource>();
  #policies: ReadonlyMap<string, VerdictPolicy> = new Map();
  /** SHA-256 of the keys of our own anchors. */
  #ownAnchors: ReadonlySet<string> = new Set();
  #generation = 1;

  constructor(options: TrustStateOptions = {}) {
    this.#options = options;
    this.crypto = options.crypto ?? nodeCrypto;
    this.signatures = createSignatureCache(this.crypto, 4096);
    this.intermediates = options.intermediates ?? new IntermediateStore();
  }

  /** To be told of each admission that only a `soft` source allows. */
  get onSoft(): SoftPass | undefined {
    return this.#options.onSoft;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Sources of revocation of all bundles. */
  get sources(): Iterable<RevocationSource> {
    return this.#sources;
  }

  /** Adds a bundle, or puts it in the place of the one of its name, with what speaks for its revocations. */
  setBundle(bundle: Bundle, source?: RevocationSource): void {
    const bySubject = Map.groupBy(bundle.intermediates, (certificate) => certificate.subject.key);
    this.#bundles.set(bundle.name, { bundle, source, bySubject });
    this.#changed();
  }

  /** Takes a bundle away: verdicts that rest on it fall. */
  removeBundle(name: string): void {
    if (this.#bundles.delete(name)) this.#changed();
  }

  bundle(name: string): LoadedBundle | undefined {
    return this.#bundles.get(name);
  }

  /** Replaces all policies. A live connection whose policy is gone is no longer allowed. */
  setPolicies(policies: Iterable<VerdictPolicy>): void {
    this.#policies = new Map(Array.from(policies, (policy) => [policy.id, policy]));
    this.#changed();
  }

  policy(id: string): VerdictPolicy | undefined {
    return this.#policies.get(id);
  }

  /** Whether this is an anchor of our own authority, in whichever bundle it stands. */
  isOwn(anchorKeyHash: string): boolean {
    return this.#ownAnchors.has(anchorKeyHash);
  }

  /** Takes in an intermediate that another worker found on a verified path. */
  learn(der: Uint8Array): void {
    this.intermediates.remember(parseCertificate(der));
  }

  /** Keeps the intermediates of a verified path. */
  remember(path: readonly Certificate[]): void {
    for (const certificate of path.slice(1)) {
      if (this.intermediates.remember(certificate)) this.#options.onIntermediate?.(certificate.der);
    }
  }

  /**
   * Whether an accepted verdict still stands: time, revocation, staleness; not bundles and rules, see `generation`.
   *
   * @param onSoft told when only a `soft` source lets it stand.
   */
  standing(verdict: Accepted, now: number, onSoft?: SoftPass): Refused | undefined {
    const { path, expiresAt, identity } = verdict;
    const early = path.find((entry) => now < entry.notBefore);
    if (early !== undefined) return refuse('not_yet_valid', `valid from ${iso(early.notBefore)}`, { identity });
    if (now > expiresAt)
      return refuse('expired', `a certificate of the path expired on ${iso(expiresAt)}`, { identity });
    const fault = checkRevocation(path, {
      sources: this.#sources,
      responsible: this.#bundles.get(verdict.bundle)?.source,
      now,
      onSoft,
    });
    return fault === undefined ? undefined : refuse(fault.code, fault.detail, { identity });
  }

  /** The certificates of an accepted path of which more should be known before it is relied on: their places in the path. */
  wanted({ bundle, path }: Accepted, now: number): number[] {
    const source = this.#bundles.get(bundle)?.source;
    return source?.wants === undefined || source.staleness.mode === 'off'
      ? []
      : placesWhere(path, (entry) => source.wants?.(entry, now) === true);
  }

  /** The certificates of an accepted path of which the news should be renewed, for which nobody waits: their places in the path. */
  due({ bundle, path }: Accepted, now: number): number[] {
    const source = this.#bundles.get(bundle)?.source;
    return source?.isDue === undefined || source.staleness.mode === 'off'
      ? []
      : placesWhere(path, (entry) => source.isDue?.(entry, now) === true);
  }

  /** Judges a peer anew under its policy as it is now: for live connections. */
  judge(verdict: Accepted, policyId: string, now: number): Verdict {
    const policy = this.#policies.get(policyId);
    const { identity } = verdict;
    if (policy === undefined) return refuse('not_allowed', 'the policy of this connection is gone', { identity });
    return judge({ presented: identity.chainDer, resumed: false }, policy, this, now);
  }

  /** The anchors of a policy, each with the bundle it is of; bundles that are not loaded are left out. */
  anchors(policy: VerdictPolicy): Map<TrustAnchor, LoadedBundle> {
    const anchors = new Map<TrustAnchor, LoadedBundle>();
    for (const name of policy.bundles) {
      const loaded = this.#bundles.get(name);
      for (const anchor of loaded?.bundle.anchors ?? []) if (loaded !== undefined) anchors.set(anchor, loaded);
    }
    return anchors;
  }

  #changed(): void {
    this.#generation += 1;
    this.cache.clear();
    this.#sources.clear();
    const own = new Set<string>();
    for (const { bundle, source } of this.#bundles.values()) {
      if (source !== undefined) this.#sources.add(source);
      if (bundle.own === true) for (const anchor of bundle.anchors) own.add(keyHash(anchor.spki));
    }
    this.#ownAnchors = own;
  }
}

function placesWhere(path: readonly PathEntry[], holds: (entry: PathEntry) => boolean): number[] {
  return path.flatMap((entry, index) => (holds(entry) ? [index] : []));
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
