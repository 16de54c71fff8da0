/** Who may have issued a certificate: candidates by name, the likely ones first (RFC 4158, 3). */

import { equalOctets } from '../der/octets.ts';
import type { Certificate } from '../x509/certificate.ts';
import { nameEquals, type Name } from '../x509/name.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';
import type { PathContext } from './context.ts';
import type { TrustAnchor } from './types.ts';

/** A trust anchor, or an intermediate of the bag. */
export interface Candidate {
  readonly name: Name;
  readonly spki: SubjectPublicKeyInfo;
  readonly anchor: TrustAnchor | undefined;
  readonly certificate: Certificate | undefined;
}

type Index = ReadonlyMap<string, readonly Candidate[]>;

/** Beyond this many, names are looked up instead of compared one by one. */
const LINEAR = 16;

const anchorCandidates = new WeakMap<readonly TrustAnchor[], readonly Candidate[]>();
const anchorIndexes = new WeakMap<readonly TrustAnchor[], Index>();

/** The certificates of one validation, by the names they can issue under. */
export class Issuers {
  readonly #ctx: PathContext;
  readonly #anchors: readonly Candidate[];
  readonly #intermediates: readonly Candidate[];
  #byName: Index | undefined;
  readonly #found = {
    same: new Map<Certificate, readonly Candidate[]>(),
    other: new Map<Certificate, readonly Candidate[]>(),
  };
  #reachable: ReadonlySet<string> | undefined;

  constructor(ctx: PathContext) {
    this.#ctx = ctx;
    this.#anchors = candidatesOf(ctx.options.anchors);
    this.#intermediates = (ctx.options.intermediates ?? []).map((certificate) => ({
      name: certificate.subject,
      spki: certificate.spki,
      anchor: undefined,
      certificate,
    }));
  }

  /**
   * Candidates for the issuer of a certificate, the likely ones first.
   *
   * @param spelling `same`: those whose name is the issuer's octet by octet, which is how conforming CAs have it (RFC 5280,
   * 4.1.2.6) and costs next to nothing to see; `other`: those whose name is equal, but written otherwise.
   */
  of(cert: Certificate, spelling: 'same' | 'other'): readonly Candidate[] {
    const kept = this.#found[spelling];
    let candidates = kept.get(cert);
    if (candidates === undefined) {
      candidates = this.#find(cert, spelling);
      kept.set(cert, candidates);
    }
    return candidates;
  }

  #find(cert: Certificate, spelling: 'same' | 'other'): readonly Candidate[] {
    const found = [
      ...pick(this.#anchors, cert.issuer, spelling, () => anchorIndex(this.#ctx.options.anchors)),
      ...pick(this.#intermediates, cert.issuer, spelling, () => (this.#byName ??= index(this.#intermediates))),
    ];
    if (found.length < 2) return found;
    const ranked = found.map((candidate) => ({ candidate, rank: rank(cert, candidate, this.#ctx.time) }));
    ranked.sort((a, b) => b.rank - a.rank);
    return ranked.map(({ candidate }) => candidate);
  }

  /** Whether a certificate's issuer can lead to a trust anchor as far as names tell: what cannot need not be paid for. */
  namesLeadToAnchor(cert: Certificate): boolean {
    this.#reachable ??= this.#reachableNames();
    return this.#reachable.has(cert.issuer.key);
  }

  /**
   * The certificates from which a chain of genuine signatures leads up to a trust anchor: those that the anchors signed,
   * those that these signed, and so on. What is not among them is a dead end, whatever the way to it.
   *
   * @param isSigned whether a key signed a certificate.
   */
  signedByAnchors(isSigned: (cert: Certificate, spki: SubjectPublicKeyInfo) => boolean): ReadonlySet<Certificate> {
    const byIssuer = new Map<string, Certificate[]>();
    for (const { certificate } of this.#intermediates) append(byIssuer, certificate!.issuer.key, certificate!);
    const reached = new Set<Certificate>();
    const pending = [...this.#anchors];
    for (let above = pending.pop(); above !== undefined; above = pending.pop()) {
      for (const cert of byIssuer.get(above.name.key) ?? []) {
        if (reached.has(cert) || !isSigned(cert, above.spki)) continue;
        reached.add(cert);
        pending.push({ name: cert.subject, spki: cert.spki, anchor: undefined, certificate: cert });
      }
    }
    return reached;
  }

  #reachableNames(): ReadonlySet<string> {
    const below = new Map<string, string[]>();
    for (const { name, certificate } of this.#intermediates) append(below, certificate!.issuer.key, name.key);
    const reachable = new Set(this.#anchors.map(({ name }) => name.key));
    const pending = [...reachable];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      for (const subject of below.get(name) ?? []) {
        if (reachable.has(subject)) continue;
        reachable.add(subject);
        pending.push(subject);
      }
    }
    return reachable;
  }
}

function pick(
  candidates: readonly Candidate[],
  name: Name,
  spelling: 'same' | 'other',
  indexOf: () => Index,
): readonly Candidate[] {
  const likely = candidates.length > LINEAR ? (indexOf().get(name.key) ?? []) : candidates;
  return likely.filter(
    (candidate) =>
      equalOctets(candidate.name.der, name.der) === (spelling === 'same') && nameEquals(candidate.name, name),
  );
}

function candidatesOf(anchors: readonly TrustAnchor[]): readonly Candidate[] {
  let candidates = anchorCandidates.get(anchors);
  if (candidates === undefined) {
    candidates = anchors.map(asCandidate);
    anchorCandidates.set(anchors, candidates);
  }
  return candidates;
}

function anchorIndex(anchors: readonly TrustAnchor[]): Index {
  let known = anchorIndexes.get(anchors);
  if (known === undefined) {
    known = index(candidatesOf(anchors));
    anchorIndexes.set(anchors, known);
  }
  return known;
}

function index(candidates: readonly Candidate[]): Index {
  const byName = new Map<string, Candidate[]>();
  for (const candidate of candidates) append(byName, candidate.name.key, candidate);
  return byName;
}

function asCandidate(anchor: TrustAnchor): Candidate {
  return { name: anchor.name, spki: anchor.spki, anchor, certificate: anchor.certificate };
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/**
 * Key identifiers weigh most, but one that differs is no reason to pass a candidate over: RFC 5280 does not make them
 * part of validation. Then a trust anchor, then what is valid now, then the newer.
 */
function rank(child: Certificate, { anchor, certificate }: Candidate, time: number): number {
  let rank = 4 * keyIdRank(child, certificate) + (anchor === undefined ? 0 : 2);
  if (certificate !== undefined) {
    if (time >= certificate.notBefore && time <= certificate.notAfter) rank += 1;
    // Less than one for any date that a certificate can hold.
    rank += certificate.notBefore / 1e15;
  }
  return rank;
}

function keyIdRank(child: Certificate, certificate: Certificate | undefined): number {
  const wanted = child.authorityKeyId;
  if (wanted === undefined || certificate === undefined) return 1;
  const serialDiffers =
    wanted.serialNumber !== undefined && !equalOctets(wanted.serialNumber, certificate.serialNumber);
  if (wanted.keyId === undefined || certificate.subjectKeyId === undefined) return serialDiffers ? 0 : 1;
  if (!equalOctets(wanted.keyId, certificate.subjectKeyId)) return 0;
  return serialDiffers ? 1 : 2;
}
