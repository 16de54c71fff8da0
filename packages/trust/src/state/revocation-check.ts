import type { PathEntry } from '../verdict/verdict.ts';
import { isBeyond } from './revocation-source.ts';
import type { RevocationSource } from './revocation-source.ts';

/** What speaks against a path as far as revocation goes. */
export interface RevocationFault {
  readonly code: 'revoked' | 'revocation_unknown' | 'revocation_stale';
  /** Which certificate of the path, counted from the leaf. */
  readonly index: number;
  readonly detail: string;
}

/** A path was let through although the news is too old or missing, because its source is `soft`. */
export type SoftPass = (source: RevocationSource, fault: RevocationFault) => void;

/**
 * Judges the revocation of a whole path.
 *
 * @param sources everything that is known: whoever says `revoked` is believed, whichever bundle the path ends in.
 * @param responsible the source of the bundle that the path ends in: it must speak for every certificate of the path.
 *   Undefined: the bundle has none, and nothing is asked of it.
 */
export function checkRevocation(
  path: readonly PathEntry[],
  {
    sources,
    responsible,
    now,
    onSoft,
  }: {
    readonly sources: Iterable<RevocationSource>;
    readonly responsible: RevocationSource | undefined;
    readonly now: number;
    readonly onSoft?: SoftPass | undefined;
  },
): RevocationFault | undefined {
  const revoked = findRevoked(path, sources);
  if (revoked !== undefined) return revoked;
  if (responsible === undefined || responsible.staleness.mode === 'off') return undefined;
  const uncovered = findUncovered(path, responsible, now);
  if (uncovered === undefined || responsible.staleness.mode === 'hard') return uncovered;
  onSoft?.(responsible, uncovered);
  return undefined;
}

function findRevoked(path: readonly PathEntry[], sources: Iterable<RevocationSource>): RevocationFault | undefined {
  for (const source of sources) {
    if (source.staleness.mode === 'off') continue;
    for (const [index, entry] of path.entries()) {
      const status = source.lookup(entry);
      if (status === undefined) continue;
      const since = new Date(status.revokedAt).toISOString();
      const held = status.reason === 'certificateHold' ? 'on hold' : `revoked (${status.reason})`;
      return { code: 'revoked', index, detail: `${held} since ${since}, says ${source.name}` };
    }
  }
  return undefined;
}

/** The contract's order: `revocation_unknown` anywhere on the path is told before `revocation_stale`. */
function findUncovered(path: readonly PathEntry[], source: RevocationSource, now: number): RevocationFault | undefined {
  let stale: RevocationFault | undefined;
  for (const [index, entry] of path.entries()) {
    const coverage = source.coverage(entry);
    if (coverage.kind === 'none') {
      return {
        code: 'revocation_unknown',
        index,
        detail: `${source.name} ${coverage.detail ?? "does not speak for this certificate's issuer"}`,
      };
    }
    if (stale !== undefined) continue;
    if (coverage.kind === 'missing') {
      stale = { code: 'revocation_stale', index, detail: `${source.name} was never loaded` };
    } else if (isBeyond(coverage.freshUntil, source.staleness, now)) {
      const since = new Date(coverage.freshUntil).toISOString();
      stale = { code: 'revocation_stale', index, detail: `${source.name} is not current since ${since}` };
    }
  }
  return stale;
}
