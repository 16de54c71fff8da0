import type { Following } from '../crl/follow-crl.ts';

/** More places than one bundle needs: what certificates and lists name is bounded by it. */
const MAX_FOUND = 1024;

/**
 * The lists of one bundle that nobody has configured: those that certificates of trusted chains name, and the deltas that
 * verified complete lists name (freshestCRL).
 */
export class FoundLists {
  readonly #found = new Map<string, { readonly following: Following; readonly isDelta: boolean }>();

  /** By `URL.href`. */
  has(source: string): boolean {
    return this.#found.has(source);
  }

  /** What follows the list at a URI, as it is written in a certificate or list. */
  at(uri: string): Following | undefined {
    return URL.canParse(uri) ? this.#found.get(new URL(uri).href)?.following : undefined;
  }

  /**
   * @param begin called where it is not followed yet.
   * @returns undefined where it is no URL, or too many are followed already.
   */
  follow(uri: string, isDelta: boolean, begin: (url: URL) => Following): Following | undefined {
    if (!URL.canParse(uri)) return undefined;
    const url = new URL(uri);
    const known = this.#found.get(url.href)?.following;
    if (known !== undefined || this.#found.size >= MAX_FOUND) return known;
    const following = begin(url);
    this.#found.set(url.href, { following, isDelta });
    return following;
  }

  /** Stops following deltas that no list names any more; gives their URLs. */
  dropDeltas(named: ReadonlySet<string>): readonly string[] {
    const dropped = [...this.#found].filter(([href, { isDelta }]) => isDelta && !named.has(href));
    for (const [href, { following }] of dropped) {
      following.stop();
      this.#found.delete(href);
    }
    return dropped.map(([href]) => href);
  }

  stop(): void {
    for (const { following } of this.#found.values()) following.stop();
  }
}
