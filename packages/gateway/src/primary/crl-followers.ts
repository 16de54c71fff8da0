import { parseCertificate } from '@countersign/pki';
import {
  type Bundle,
  type CrlAlarm,
  CrlSet,
  type CrlStore,
  CrlWatch,
  type Following,
  followCrlFile,
  followCrlUrl,
  isEnding,
  type LoadedCrl,
  makeBundle,
  nodeCrypto,
} from '@countersign/trust';
import type { BundleConfig, CrlSourceConfig } from '../config/config.ts';
import type { CrlFact, CrlSourceFact } from '../metrics/primary-metrics.ts';
import type { TrustUpdate } from '../worker/trust-update.ts';

type BundleUpdate = Extract<TrustUpdate, { kind: 'bundle' }>;
type CrlUpdate = Extract<TrustUpdate, { kind: 'crl' }>;

const LOOK_MS = 60_000;

export interface CrlFollowersOptions {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** Where the last good lists are kept; undefined: nowhere. */
  readonly store: CrlStore | undefined;
  /** A CRL was taken in. */
  readonly onCrl: (update: CrlUpdate) => void;
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly shout: (message: string) => void;
}

/** The CRLs of one bundle, and what became of its sources. */
interface Followed {
  readonly bundle: BundleConfig;
  readonly set: CrlSet;
  readonly watch: CrlWatch;
  readonly sources: Map<string, { up: boolean; failures: number }>;
}

/**
 * Follows the CRLs of the bundles of the configuration; the workers are sent those that are good. The last good ones are kept,
 * and are in use again after a restart before anything is fetched.
 */
export class CrlFollowers {
  readonly #options: CrlFollowersOptions;
  readonly #followed = new Map<string, Followed>();
  readonly #following: Following[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CrlFollowersOptions) {
    this.#options = options;
  }

  /** Reads and fetches everything once, whatever comes of it, and goes on following. */
  async start(bundles: readonly BundleConfig[], updates: readonly BundleUpdate[]): Promise<void> {
    for (const bundle of bundles) {
      if (bundle.crls.length === 0) continue;
      const set = createCrlSet(bundle, (crl, der) => this.#options.store?.keep(bundle.name, crl, der));
      this.#followed.set(bundle.name, { bundle, set, watch: new CrlWatch(), sources: new Map() });
    }
    for (const update of updates) this.setBundle(update);
    for (const followed of this.#followed.values()) await this.#recall(followed);
    for (const followed of this.#followed.values()) this.#follow(followed);
    await Promise.all(this.#following.map((following) => following.started));
    this.look();
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** The CAs of a bundle have changed. */
  setBundle(update: BundleUpdate): void {
    this.#followed.get(update.name)?.set.setIssuers(bundleOf(update));
  }

  /** Takes in CAs of paths that workers have verified: their CRLs can be believed, and kept. */
  learn(certificates: readonly Uint8Array[]): void {
    const parsed = certificates.map((der) => parseCertificate(der));
    for (const { set } of this.#followed.values()) set.learnSigned(parsed);
  }

  /** Raises the alarm for CRLs that will lapse unless their successors come. */
  look(): void {
    const now = this.#options.now();
    for (const { bundle, set, watch } of this.#followed.values()) {
      for (const alarm of watch.look(set.loaded, now)) this.#alarm(bundle.name, alarm);
    }
  }

  /** The CRLs in use. */
  facts(): readonly CrlFact[] {
    const now = this.#options.now();
    return [...this.#followed].flatMap(([bundle, { set }]) =>
      set.loaded.map((crl) => ({
        bundle,
        source: crl.source,
        kind: crl.baseNumber === undefined ? 'complete' : 'delta',
        thisUpdate: crl.thisUpdate,
        nextUpdate: crl.nextUpdate,
        entries: crl.index.size,
        isEnding: isEnding(crl, now),
      })),
    );
  }

  /** The files and URLs that CRLs come from. */
  sources(): readonly CrlSourceFact[] {
    return [...this.#followed].flatMap(([bundle, { sources }]) =>
      Array.from(sources, ([source, { up, failures }]) => ({ bundle, source, up, failures })),
    );
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const following of this.#following) following.stop();
  }

  /** What was kept counts as what its source has given. */
  async #recall(followed: Followed): Promise<void> {
    const { store, shout } = this.#options;
    const { bundle } = followed;
    const expected = new Set(bundle.crls.map(sourceName));
    const { crls, problems } = (await store?.load(bundle.name)) ?? { crls: [], problems: [] };
    for (const problem of problems) shout(`bundle ${bundle.name}: ${problem.message}`);
    for (const { source, der } of crls) {
      if (!expected.has(source)) continue;
      try {
        this.#take(followed, der, source, `${source} (kept)`);
      } catch (error) {
        shout(`bundle ${bundle.name}: a kept CRL is not used: ${words(error)}`);
      }
    }
  }

  #follow(followed: Followed): void {
    const { now, random } = this.#options;
    for (const source of followed.bundle.crls) {
      const state = { up: false, failures: 0 };
      followed.sources.set(sourceName(source), state);
      const follower = {
        onCrl: (der: Uint8Array, name: string) => {
          const nextUpdate = this.#take(followed, der, name, name);
          state.up = true;
          return nextUpdate;
        },
        onUnchanged: () => (state.up = true),
        onProblem: (error: unknown) => {
          state.up = false;
          state.failures += 1;
          this.#options.shout(`bundle ${followed.bundle.name}: ${words(error)}; the last good CRL stays in use`);
        },
      };
      this.#following.push(
        'file' in source
          ? followCrlFile(source.file, follower)
          : followCrlUrl(source.url, follower, { everyMs: source.everyMs, now, random }),
      );
    }
  }

  /** @returns its nextUpdate, where it is known already. */
  #take({ bundle, set }: Followed, der: Uint8Array, source: string, toldAs: string): number | undefined {
    const offer = set.offer(der, source, this.#options.now());
    // One that waits for its issuer is sent too: a worker sees the issuer first.
    if (offer.kind !== 'unchanged') this.#options.onCrl({ kind: 'crl', bundle: bundle.name, source, toldAs, der });
    return offer.kind === 'waiting' ? undefined : offer.crl.nextUpdate;
  }

  #alarm(bundle: string, { kind, crl }: CrlAlarm): void {
    const { info, warn, shout } = this.#options;
    const list = `bundle ${bundle}: the CRL of ${crl.source}`;
    const end = new Date(crl.nextUpdate).toISOString();
    if (kind === 'renewed') info(`${list} was renewed, until ${end}`);
    else if (kind === 'ending') warn(`${list} ends at ${end}, and its successor has not come`);
    else shout(`${list} has ended at ${end}, and its successor has not come`);
  }
}

/** The CRLs that a bundle's clients are judged by, empty yet. */
export function createCrlSet(bundle: BundleConfig, onLoaded?: (crl: LoadedCrl, der: Uint8Array) => void): CrlSet {
  return new CrlSet({
    name: bundle.name,
    crypto: nodeCrypto,
    expected: bundle.crls.map(sourceName),
    staleness: bundle.staleness,
    onLoaded,
  });
}

/** The bundle that an update speaks of. */
export function bundleOf(update: BundleUpdate): Bundle {
  return makeBundle(update.name, update.files, nodeCrypto);
}

function sourceName(source: CrlSourceConfig): string {
  return 'file' in source ? source.file : source.url.href;
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
