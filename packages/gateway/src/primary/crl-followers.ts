import {
  type Bundle,
  CrlSet,
  type Following,
  followCrlFile,
  followCrlUrl,
  makeBundle,
  nodeCrypto,
} from '@countersign/trust';
import type { BundleConfig } from '../config/config.ts';
import type { CrlEnd } from '../metrics/primary-metrics.ts';
import type { TrustUpdate } from '../worker/trust-update.ts';

type BundleUpdate = Extract<TrustUpdate, { kind: 'bundle' }>;

export interface CrlFollowersOptions {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** A CRL was taken in. */
  readonly onCrl: (update: Extract<TrustUpdate, { kind: 'crl' }>) => void;
  readonly shout: (message: string) => void;
}

/** Follows the CRLs of the bundles of the configuration; the workers are sent those that are good. */
export class CrlFollowers {
  readonly #options: CrlFollowersOptions;
  readonly #sets = new Map<string, CrlSet>();
  readonly #following: Following[] = [];

  constructor(options: CrlFollowersOptions) {
    this.#options = options;
  }

  /** Reads and fetches everything once, whatever comes of it, and goes on following. */
  async start(bundles: readonly BundleConfig[], updates: readonly BundleUpdate[]): Promise<void> {
    for (const bundle of bundles) {
      if (bundle.crls.length > 0) this.#sets.set(bundle.name, createCrlSet(bundle));
    }
    for (const update of updates) this.setBundle(update);
    for (const bundle of bundles) this.#follow(bundle);
    await Promise.all(this.#following.map((following) => following.started));
  }

  /** The CAs of a bundle have changed. */
  setBundle(update: BundleUpdate): void {
    this.#sets.get(update.name)?.setIssuers(bundleOf(update));
  }

  /** When the CRLs in use are due to be replaced. */
  ends(): readonly CrlEnd[] {
    return [...this.#sets].flatMap(([bundle, set]) =>
      set.loaded.map(({ source, nextUpdate }) => ({ bundle, source, nextUpdate })),
    );
  }

  stop(): void {
    for (const following of this.#following) following.stop();
  }

  #follow(bundle: BundleConfig): void {
    const set = this.#sets.get(bundle.name);
    if (set === undefined) return;
    const { now, random, onCrl, shout } = this.#options;
    const follower = {
      onCrl: (der: Uint8Array, source: string) => {
        const offer = set.offer(der, source, now());
        // One that waits for its issuer is sent too: a worker sees the issuer first.
        if (offer.kind !== 'unchanged') onCrl({ kind: 'crl', bundle: bundle.name, source, der });
        return offer.kind === 'waiting' ? undefined : offer.crl.nextUpdate;
      },
      onProblem: (error: unknown) =>
        shout(
          `bundle ${bundle.name}: ${error instanceof Error ? error.message : String(error)}; the last good CRL stays in use`,
        ),
    };
    for (const source of bundle.crls) {
      this.#following.push(
        'file' in source
          ? followCrlFile(source.file, follower)
          : followCrlUrl(source.url, follower, { everyMs: source.everyMs, now, random }),
      );
    }
  }
}

/** The CRLs that a bundle's clients are judged by, empty yet. */
export function createCrlSet(bundle: BundleConfig): CrlSet {
  return new CrlSet({
    name: bundle.name,
    crypto: nodeCrypto,
    expected: bundle.crls.map((source) => ('file' in source ? source.file : source.url.href)),
    staleness: bundle.staleness,
  });
}

/** The bundle that an update speaks of. */
export function bundleOf(update: BundleUpdate): Bundle {
  return makeBundle(update.name, update.files, nodeCrypto);
}
