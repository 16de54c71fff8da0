import type { Certificate } from '@countersign/pki';

import type { IntermediateStore } from '../state/intermediate-store.ts';

/** More than this nobody needs for one chain. */
const MAX_CANDIDATES = 128;

type BySubject = ReadonlyMap<string, readonly Certificate[]>;

/**
 * The intermediates that may stand above a leaf: climbs from issuer name to issuer name through what was sent, the bundles and
 * the known intermediates, in this order, so that the search for a path never walks a whole bundle.
 */
export function candidatesFor(
  leaf: Certificate,
  [sent, ...bundles]: readonly [readonly Certificate[], ...BySubject[]],
  known: IntermediateStore,
): Certificate[] {
  const sentBySubject = Map.groupBy(sent, (certificate) => certificate.subject.key);
  const found = new Map<string, Certificate>();
  const names = new Set([leaf.issuer.key]);
  for (const name of names) {
    const above = [sentBySubject, ...bundles].flatMap((bySubject) => bySubject.get(name) ?? []);
    for (const certificate of [...above, ...known.withSubject(name)]) {
      if (found.size >= MAX_CANDIDATES) return [...found.values()];
      const key = Buffer.from(certificate.der).toString('latin1');
      if (found.has(key)) continue;
      found.set(key, certificate);
      names.add(certificate.issuer.key);
    }
  }
  return [...found.values()];
}
