/** Something that is being made from what is known of a certificate. */
export interface Watch {
  /** The certificate was revoked or released since: what is being made may be wrong. */
  changed: boolean;
}

/** Who is to be told of a change while they work, by certificate. */
export class Watches {
  readonly #open = new Map<string, Set<Watch>>();

  /** Runs `work`, once more for every change of the certificate that came in between. */
  async settle<T>(key: string, work: (watch: Watch) => Promise<T>): Promise<T> {
    for (;;) {
      const watch: Watch = { changed: false };
      const others = this.#open.get(key);
      if (others === undefined) this.#open.set(key, new Set([watch]));
      else others.add(watch);
      try {
        const made = await work(watch);
        if (!watch.changed) return made;
      } finally {
        this.#close(key, watch);
      }
    }
  }

  changed(key: string): void {
    for (const watch of this.#open.get(key) ?? []) watch.changed = true;
  }

  #close(key: string, watch: Watch): void {
    const watches = this.#open.get(key);
    watches?.delete(watch);
    if (watches?.size === 0) this.#open.delete(key);
  }
}
