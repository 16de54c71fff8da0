/** Delta CRLs (RFC 5280, 5.2.4 and 6.3.3 (c)). */

import type { Crl } from '../../crl/crl.ts';
import { equalOctets } from '../../der/octets.ts';
import { isNewer } from './currency.ts';
import { sameScope } from './scope.ts';

/** Whether a delta tells what has changed since a complete CRL. */
export function isDeltaOf(delta: Crl, base: Crl): boolean {
  const from = delta.deltaCrlIndicator;
  // Without numbers nobody can tell whether the two fit.
  if (from === undefined || delta.crlNumber === undefined || base.crlNumber === undefined) return false;
  return base.crlNumber >= from && base.crlNumber < delta.crlNumber && sameScope(delta, base) && sameKey(delta, base);
}

function sameKey(a: Crl, b: Crl): boolean {
  const x = a.authorityKeyId?.keyId;
  const y = b.authorityKeyId?.keyId;
  return x === undefined || y === undefined ? x === y : equalOctets(x, y);
}

/** The newest delta of a complete CRL. */
export function newestDelta(deltas: readonly Crl[], base: Crl): Crl | undefined {
  let newest: Crl | undefined;
  for (const delta of deltas) {
    if (isDeltaOf(delta, base) && (newest === undefined || isNewer(delta, newest))) newest = delta;
  }
  return newest;
}
