/** Path building and validation, the whole of it. */

import { equalOctets } from '../der/octets.ts';
import type { Certificate } from '../x509/certificate.ts';
import { fault } from './checks.ts';
import { precedenceOf } from './codes.ts';
import { pathContext, type PathContext } from './context.ts';
import { leafFaults } from './judge.ts';
import { Search, type CompletePath } from './search.ts';
import type { InvalidPath, PathFault, PathOptions, PathResult } from './types.ts';

/**
 * Finds a path from a certificate to a trust anchor that is valid by RFC 5280 section 6, with policies by RFC 9618 and
 * host names by RFC 9525, in any bag of intermediates. A certificate that is itself a trust anchor is a path of its own.
 *
 * When there is no valid path the result has the reason that the contract's order of refusals puts first, on the path
 * that came closest; `attempts` has the branches that were tried. `refusalOf(result.code)` is the contract's code.
 *
 * @param leaf the certificate to validate.
 * @throws PkiError `argument` for options that make no sense.
 *
 * @example
 * const result = buildAndValidate(leaf, { anchors: [trustAnchor(root)], intermediates, time: Date.now(), crypto: nodeCrypto, purpose: 'client' });
 * if (!result.ok) console.error(result.code, result.detail);
 */
export function buildAndValidate(leaf: Certificate, options: PathOptions): PathResult {
  const ctx = pathContext(options);
  const ownAnchor = options.anchors.find(
    ({ certificate }) => certificate !== undefined && (certificate === leaf || equalOctets(certificate.der, leaf.der)),
  );
  if (ownAnchor !== undefined) {
    const found = leafFaults(ctx, leaf, true);
    if (found.length > 0) return refused(mostPressing(found), []);
    return { ok: true, path: [leaf], anchor: ownAnchor, policies: { authority: [], user: [] } };
  }

  const search = new Search(ctx);
  if (leafFaults(ctx, leaf, false).length === 0) {
    const valid = search.find(leaf);
    if (valid !== undefined) return valid;
  }
  return explain(ctx, leaf, search);
}

/** Why there is no valid path. */
function explain(ctx: PathContext, leaf: Certificate, search: Search): PathResult {
  const ofLeaf = leafFaults(ctx, leaf, true);
  const { ranOut } = search;
  const complete = search.collect(leaf, ofLeaf);
  const attempts = search.attempts;
  const best = closest(complete);
  if (best !== undefined) {
    const path = best.anchor.certificate === undefined ? best.path : [...best.path, best.anchor.certificate];
    // The first search may have spent its steps elsewhere.
    if (best.faults.length === 0 && best.policies !== undefined) {
      return { ok: true, path, anchor: best.anchor, policies: best.policies };
    }
    const reason = mostPressing(best.faults);
    const isKnown = attempts.some(({ code, at }) => code === reason.code && at === reason.at);
    return refused(reason, isKnown ? attempts : [{ ...reason, path }, ...attempts]);
  }
  const malformed = ofLeaf.filter(({ code }) => precedenceOf(code) < precedenceOf('no_issuer'));
  if (malformed.length > 0) return refused(mostPressing(malformed), attempts);
  const unlinked =
    attempts.find(({ code }) => code === (ranOut ? 'budget_exhausted' : 'signature_invalid')) ??
    attempts.toSorted((a, b) => b.path.length - a.path.length).find(({ code }) => code === 'no_issuer') ??
    fault('no_issuer', leaf, 'no trusted certificate leads to it');
  return refused(unlinked, attempts);
}

function refused({ code, at, detail }: PathFault, attempts: InvalidPath['attempts']): InvalidPath {
  return { ok: false, code, at, detail, attempts };
}

/** The path whose first fault comes last in the order of refusals: the one that nearly was. */
function closest(paths: readonly CompletePath[]): CompletePath | undefined {
  let best: CompletePath | undefined;
  let reached = -1;
  for (const path of paths) {
    if (path.faults.length === 0) return path;
    const first = precedenceOf(mostPressing(path.faults).code);
    if (first > reached) {
      best = path;
      reached = first;
    }
  }
  return best;
}

/** The fault that the contract tells when several hold; of equals, the first found. */
function mostPressing(faults: readonly PathFault[]): PathFault {
  return faults.reduce((best, next) => (precedenceOf(next.code) < precedenceOf(best.code) ? next : best));
}
