import { createHash } from 'node:crypto';

import type { VerdictPolicy } from './policy.ts';
import type { Accepted } from './verdict.ts';

const MAX_ENTRIES = 4096;

/**
 * Accepted verdicts by policy and by the exact octets that were presented, so that a resumed session or a second connection is
 * judged anew without building the path again. Only the path and the identity are taken from here: time, revocation and rules
 * are asked each time. Cleared with each generation; those used longest ago go first.
 */
export class VerdictCache {
  #entries = new Map<string, Accepted>();

  get(policy: VerdictPolicy, presented: readonly Uint8Array[]): Accepted | undefined {
    const key = keyOf(policy, presented);
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found;
  }

  set(policy: VerdictPolicy, presented: readonly Uint8Array[], verdict: Accepted): void {
    this.#entries.set(keyOf(policy, presented), verdict);
    if (this.#entries.size <= MAX_ENTRIES) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  clear(): void {
    this.#entries = new Map();
  }
}

function keyOf(policy: VerdictPolicy, presented: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const der of presented) hash.update(`${der.length}:`).update(der);
  return `${policy.id}\n${policy.purpose ?? ''}\n${policy.profile ?? ''}\n${policy.bundles.join()}\n${hash.digest('base64')}`;
}
