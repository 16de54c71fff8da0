/** The subtrees of directoryName constraints (RFC 5280, 4.2.1.10 and 7.1). */

import type { Name } from '../../x509/name.ts';
import { canonicalRdn } from '../../x509/name-compare.ts';

/**
 * A name is inside a subtree when it begins with all the levels of the constraint. The subtrees are kept under one text
 * each, so that a name costs as many look-ups as it has levels.
 */
export class DirectorySubtrees {
  readonly #prefixes = new Set<string>();

  add(base: Name): void {
    let prefix = '';
    for (const rdn of base.rdns) prefix += levelKey(rdn);
    this.#prefixes.add(prefix);
  }

  /** Whether the name lies inside one of the subtrees. */
  covers(name: Name): boolean {
    let prefix = '';
    if (this.#prefixes.has(prefix)) return true;
    for (const rdn of name.rdns) {
      prefix += levelKey(rdn);
      if (this.#prefixes.has(prefix)) return true;
    }
    return false;
  }
}

function levelKey(rdn: Name['rdns'][number]): string {
  return JSON.stringify(canonicalRdn(rdn));
}
