/** Inherited DSA parameters (RFC 5280, 6.1.4 (d) to (f); RFC 3279, 2.3.2): only `legacy` ever gets here. */

import { bitString, sequence } from '../der/writer.ts';
import type { Certificate } from '../x509/certificate.ts';
import { parsePublicKeyInfo, type SubjectPublicKeyInfo } from '../x509/public-key.ts';
import { algorithmIdentifier } from '../x509/algorithm.ts';

/** Whether a key lacks the parameters it needs. */
export function lacksParameters(spki: SubjectPublicKeyInfo): boolean {
  return spki.key.type === 'dsa' && spki.key.bits === 0;
}

/**
 * The working public keys of a path.
 *
 * @param path the leaf first
 * @returns one key for each certificate, completed with the parameters of the next above where it had none
 */
export function workingKeys(
  path: readonly Certificate[],
  anchor: SubjectPublicKeyInfo,
): readonly SubjectPublicKeyInfo[] {
  const keys: SubjectPublicKeyInfo[] = [];
  let above = anchor;
  for (const { spki } of path.toReversed()) {
    if (lacksParameters(spki) && above.key.type === 'dsa' && above.algorithm.parameters !== undefined) {
      const algorithm = algorithmIdentifier(spki.algorithm.oid, above.algorithm.parameters);
      above = parsePublicKeyInfo(sequence(algorithm.der, bitString(spki.bits)));
    } else {
      above = spki;
    }
    keys.push(above);
  }
  return keys.toReversed();
}
