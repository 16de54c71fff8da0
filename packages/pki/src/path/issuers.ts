/** Who may have issued a certificate: candidates by name, the likely ones first (RFC 4158, 3). */

import { equalOctets } from '../der/octets.ts';
import type { Certificate } from '../x509/certificate.ts';
import { nameEquals, type Name } from '../x509/name.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';
import type { PathContext } from './context.ts';
import type { TrustAnchor } from './types.ts';

/** A trust anchor, or an intermediate of the bag. */
export interface Candidate {
  readonly spki: SubjectPublicKeyInfo;
  readonly anchor: TrustAnchor | undefined;
  readonly certificate: Certificate | undefined;
}

/** Beyond this many, names are looked up instead of compared one by one. */
const LINEAR = 16;

type AnchorIndex = ReadonlyMap<string, readonly Candidate[]>;

const anchorIndexes = new WeakMap<readonly TrustAnchor[], AnchorIndex>();

/** The certificates of one validation, by the names they can issue under. */
export class Issuers {
  readonly #ctx: PathContext;
  readonly #intermediates: readonly Candidate[];
  readonly #anchors: readonly Candidate[] | AnchorIndex;
  #byName: Map<string, Candidate[]> | undefined;
  #reachable: ReadonlySet<string> | undefined;

  constructor(ctx: PathContext) {
    this.#ctx = ctx;
    const { anchors, intermediates = [] } = ctx.options;
    this.#anchors = anchors.length > LINEAR ? anchorIndex(anchors) : anchors.map(asCandidate);
    this.#intermediates = intermediates.map((certificate) => ({
      spki: certificate.spki,
      anchor: undefined,
      certificate,
    }));
  }

  /** Candidates for the issuer of a certificate, the likely ones first. */
  of(cert: Certificate): readonly Candidate[] {
    const found = [...this.#anchorsNamed(cert.issuer), ...this.#intermediatesNamed(cert.issuer)];
    if (found.length < 2) return found;
    const ranked = found.map((candidate) => ({ candidate, rank: rank(cert, candidate, this.#ctx.time) }));
    ranked.sort((a, b) => b.rank - a.rank);
    return ranked.map(({ candidate }) => candidate);
  }

  /** Whether a certificate's issuer can lead to a trust anchor as far as names tell: what cannot need not be paid for. */
  leadsToAnchor(cert: Certificate): boolean {
    this.#reachable ??= this.#reachableNames();
    return this.#reachable.has(cert.issuer.key);
  }

  #anchorsNamed(name: Name): readonly Candidate[] {
    if (!Array.isArray(this.#anchors)) return (this.#anchors as AnchorIndex).get(name.key) ?? [];
    return (this.#anchors as readonly Candidate[]).filter((candidate) => nameEquals(candidate.anchor!.name, name));
  }

  #intermediatesNamed(name: Name): readonly Candidate[] {
    if (this.#intermediates.length <= LINEAR) {
      return this.#intermediates.filter(({ certificate }) => nameEquals(certificate!.subject, name));
    }
    if (this.#byName === undefined) {
      this.#byName = new Map();
      for (const candidate of this.#intermediates) append(this.#byName, candidate.certificate!.subject.key, candidate);
    }
    return this.#byName.get(name.key) ?? [];
  }

  #reachableNames(): ReadonlySet<string> {
    const below = new Map<string, string[]>();
    for (const { certificate } of this.#intermediates) append(below, certificate!.issuer.key, certificate!.subject.key);
    const reachable = new Set(this.#ctx.options.anchors.map((anchor) => anchor.name.key));
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

function asCandidate(anchor: TrustAnchor): Candidate {
  return { spki: anchor.spki, anchor, certificate: anchor.certificate };
}

function anchorIndex(anchors: readonly TrustAnchor[]): AnchorIndex {
  const known = anchorIndexes.get(anchors);
  if (known !== undefined) return known;
  const index = new Map<string, Candidate[]>();
  for (const anchor of anchors) append(index, anchor.name.key, asCandidate(anchor));
  anchorIndexes.set(anchors, index);
  return index;
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
