import { type Certificate, parseCertificate } from '@countersign/pki';
import { AddressGuard, guardForConfigured } from '../net/address-guard.ts';
import type { CrlAlarm } from '../crl/crl-watch.ts';
import type { CrlSet } from '../crl/crl-set.ts';
import type { CrlStore } from '../crl/crl-store.ts';
import { CrlWatch, isEnding } from '../crl/crl-watch.ts';
import type { Following } from '../crl/follow-crl.ts';
import { followCrlFile, followCrlUrl, wakeByTimer } from '../crl/follow-crl.ts';
import type { LoadedCrl } from '../crl/accept-crl.ts';
import { httpUris, isHttp } from '../crl/point-names.ts';
import { isCovered } from '../state/revocation-source.ts';
import { keyHash } from '../verdict/key-hash.ts';
import { pathEntry } from '../verdict/path-entries.ts';
import type { BundleSettings, CrlPlace } from './settings.ts';
import type { CrlFact, CrlSourceFact } from './source-facts.ts';
import { FoundLists } from './found-lists.ts';
import { createSources, crlSourceName, setIssuers } from './bundle-sources.ts';
import type { BundleUpdate, CrlUpdate } from './trust-update.ts';
import { words } from '../words.ts';

const FOUND_EVERY_MS = 3_600_000;
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
  readonly bundle: BundleSettings;
  readonly set: CrlSet;
  readonly watch: CrlWatch;
  readonly sources: Map<string, { up: boolean; failures: number }>;
  readonly found: FoundLists;
  /** Names of the configured sources. */
  readonly expected: ReadonlySet<string>;
}

/**
 * Follows the CRLs of the bundles of the configuration; whoever judges is told those that are good. The last good ones are kept,
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
  async start(bundles: readonly BundleSettings[], updates: readonly BundleUpdate[]): Promise<void> {
    for (const bundle of bundles) {
      const { crls: set } = createSources(bundle, {
        onCrl: (crl, der) => {
          this.#options.store?.keep(bundle.name, crl, der);
          if (crl.baseNumber === undefined) this.#followDeltas(bundle.name);
        },
      });
      if (set === undefined) continue;
      const watch = new CrlWatch(bundle.revocation.crls?.alarmBeforeMs);
      const expected = new Set(bundle.revocation.crls?.sources.map(crlSourceName));
      const found = new FoundLists();
      this.#followed.set(bundle.name, { bundle, set, watch, sources: new Map(), found, expected });
    }
    for (const update of updates) this.setBundle(update);
    for (const followed of this.#followed.values()) await this.#recall(followed);
    for (const followed of this.#followed.values()) this.#follow(followed);
    await Promise.all(this.#following.map((following) => following.started));
    for (const followed of this.#followed.values()) await this.#deltasTried(followed);
    this.look();
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** The CAs of a bundle have changed. */
  setBundle(update: BundleUpdate): void {
    setIssuers(this.#followed.get(update.name)?.set, update);
  }

  /** Takes in CAs of paths that were verified: their CRLs can be believed, and kept. */
  learn(certificates: readonly Uint8Array[]): void {
    const parsed = certificates.map((der) => parseCertificate(der));
    for (const { set } of this.#followed.values()) set.learnSigned(parsed);
  }

  /**
   * Follows the CRLs from where a certificate of a trusted chain says, if the configuration wants that; resolves when each has
   * been tried once, or the signal says that nobody waits any more.
   */
  async find(bundle: string, certificate: Certificate, issuer: Certificate, signal?: AbortSignal): Promise<void> {
    const followed = this.#followed.get(bundle);
    if (followed?.bundle.revocation.crls?.distributionPoints !== true) return;
    followed.set.learnSigned([issuer]);
    const entry = pathEntry(certificate, keyHash(issuer.spki));
    if (isCovered(followed.set, entry, this.#options.now())) return;
    const uris = [...entry.crlUris, ...httpUris(certificate.freshestCrl)];
    const started = uris.flatMap((uri) => this.#followFound(followed, uri)?.started ?? []);
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const leave = (): void => resolve();
    signal?.addEventListener('abort', leave, { once: true });
    await Promise.race([Promise.all(started).then(() => this.#deltasTried(followed)), left]);
    signal?.removeEventListener('abort', leave);
  }

  /** What the CRLs of a bundle say of a certificate that is in no path, such as an OCSP responder's. */
  statusOf(bundle: string, certificate: Certificate, issuer: Certificate): 'good' | 'revoked' | 'unknown' {
    const set = this.#followed.get(bundle)?.set;
    const entry = pathEntry(certificate, keyHash(issuer.spki));
    if (set?.lookup(entry) !== undefined) return 'revoked';
    return set !== undefined && isCovered(set, entry, this.#options.now()) ? 'good' : 'unknown';
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
        isEnding: isEnding(crl, now, this.#followed.get(bundle)?.bundle.revocation.crls?.alarmBeforeMs),
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
    for (const { found } of this.#followed.values()) found.stop();
  }

  /** What was kept counts as what its source has given. */
  async #recall(followed: Followed): Promise<void> {
    const { store, shout } = this.#options;
    const { bundle } = followed;
    const { expected, found } = followed;
    const { distributionPoints = false } = bundle.revocation.crls ?? {};
    const { crls, problems } = (await store?.load(bundle.name)) ?? { crls: [], problems: [] };
    for (const problem of problems) shout(`bundle ${bundle.name}: ${problem.message}`);
    // Those that are configured first: they name the deltas among the others.
    for (const { source, der } of crls.toSorted(
      (a, b) => Number(expected.has(b.source)) - Number(expected.has(a.source)),
    )) {
      if (!expected.has(source) && !distributionPoints && !found.has(source)) continue;
      try {
        this.#take(followed, der, source, `${source} (kept)`);
        if (!expected.has(source)) this.#followFound(followed, source);
      } catch (error) {
        shout(`bundle ${bundle.name}: a kept CRL is not used: ${words(error)}`);
      }
    }
  }

  #follow(followed: Followed): void {
    for (const source of followed.bundle.revocation.crls?.sources ?? []) {
      this.#following.push(this.#followOne(followed, source));
    }
  }

  #followFound(followed: Followed, uri: string, isDelta = false): Following | undefined {
    // Its CA has written it, not the operator: it may lead to nothing private.
    const guard = new AddressGuard({ allow: followed.bundle.revocation.allowAddresses });
    return followed.found.follow(uri, isDelta, (url) =>
      this.#followOne(followed, { url, everyMs: FOUND_EVERY_MS }, guard, isDelta),
    );
  }

  /** Follows the deltas that the complete lists in use name, which are verified, and no other deltas. */
  #followDeltas(bundle: string): void {
    const followed = this.#followed.get(bundle);
    if (followed === undefined) return;
    const uris = followed.set.loaded.flatMap((list) => (mayAsk(followed, list) ? list.freshestUris : []));
    const named = new Set(uris.flatMap((uri) => (URL.canParse(uri) ? [new URL(uri).href] : [])));
    for (const dropped of followed.found.dropDeltas(named)) followed.sources.delete(dropped);
    for (const href of named) if (!followed.expected.has(href)) this.#followFound(followed, href, true);
  }

  /** Resolves when every delta that was found has been tried once, or has had the time that a connection would wait. */
  async #deltasTried({ bundle, set, found }: Followed): Promise<void> {
    const started = set.loaded.flatMap(({ freshestUris }) =>
      freshestUris.flatMap((uri) => found.at(uri)?.started ?? []),
    );
    if (started.length === 0) return;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = wakeByTimer(bundle.revocation.waitMs, resolve);
    await Promise.race([Promise.all(started), over]);
    timer.stop();
  }

  #followOne(followed: Followed, source: CrlPlace, guard?: AddressGuard, isDelta = false): Following {
    const { now, random, shout, warn } = this.#options;
    const { bundle, sources } = followed;
    const state = { up: false, failures: 0 };
    sources.set(crlSourceName(source), state);
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
        if (isDelta) warn(`bundle ${bundle.name}: ${words(error)}; it is a delta, the complete CRL stays in use`);
        else shout(`bundle ${bundle.name}: ${words(error)}; the last good CRL stays in use`);
      },
    };
    if ('file' in source) return followCrlFile(source.file, follower);
    const limits = { guard: guard ?? guardForConfigured(source.url, { allow: bundle.revocation.allowAddresses }) };
    return followCrlUrl(source.url, follower, { everyMs: source.everyMs, now, random, limits });
  }

  /** @returns its nextUpdate, where it is known already. */
  #take({ bundle, set }: Followed, der: Uint8Array, source: string, toldAs: string): number | undefined {
    const offer = set.offer(der, source, this.#options.now());
    // One that waits for its issuer is told too: who judges sees the issuer first.
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

/** Whether a list came over the network, or may lead there: who gives lists as files alone wants nothing fetched. */
function mayAsk({ bundle }: Followed, { source }: LoadedCrl): boolean {
  return bundle.revocation.crls?.distributionPoints === true || isHttp(source);
}
