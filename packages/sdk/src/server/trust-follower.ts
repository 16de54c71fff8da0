import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { pemEncode } from '@countersign/pki';
import { CrlStore, FeedFollower, readFeedEvent, TrustSources } from '@countersign/trust';
import type { BundleUpdate, LiveTrust, StatusQuestionData } from '@countersign/trust';

import type { Identity } from '../identity/identity.ts';
import type { Material } from '../identity/material.ts';
import type { ReadOptions } from './server-options.ts';

/** How long the start waits for an authority that does not answer. */
const START_MS = 10_000;

export interface TrustFollowerOptions {
  readonly identity: Identity;
  readonly options: ReadOptions;
  readonly live: LiveTrust;
  readonly problem: (message: string) => void;
  /** CAs have changed. */
  readonly onCas: () => void;
}

/** Everything that tells a server's trust of news: files of CAs, CRLs, OCSP responders, the authority's feed. */
export class TrustFollower {
  readonly #options: TrustFollowerOptions;
  readonly #feed: FeedFollower | undefined;
  readonly #heard = Promise.withResolvers<void>();
  readonly #rotated = (): void => this.#identityChanged();
  #sources: TrustSources | undefined;
  #roots = '';
  readonly #crlStore: CrlStore | undefined;

  constructor(options: TrustFollowerOptions) {
    this.#options = options;
    const { identity, live, problem } = options;
    const { authority, stateDir, now } = options.options;
    this.#crlStore =
      stateDir === undefined ? undefined : new CrlStore(join(stateDir, 'crls'), ({ message }) => problem(message));
    if (authority === undefined) return;
    const sealedBy = identity.material.leaf;
    const feed: FeedFollower = new FeedFollower({
      url: authority.url,
      identity,
      read: readFeedEvent,
      staleness: authority.staleness,
      folder: stateDir === undefined ? undefined : join(stateDir, 'feed'),
      // Another kind of certificate under the same root may be anybody's.
      isSealer: (signer) => signer.profile === sealedBy.profile && signer.subject.key === sealedBy.subject.key,
      now,
      random: Math.random,
      tell: (_update, outcome) => {
        live.feedApplied(feed.ledger, outcome);
        return Promise.resolve();
      },
      keepLines: false,
      // This process judges itself: what was told is applied in the same turn.
      workers: () => 1,
      onApplied: () => this.#heard.resolve(),
      onBundle: options.onCas,
      info: () => undefined,
      warn: problem,
      shout: problem,
    });
    this.#feed = feed;
  }

  /** Loads and fetches everything once, and goes on following. */
  async start(): Promise<void> {
    const { identity, live, problem } = this.#options;
    const { bundles, roots, stateDir, now } = this.#options.options;
    const given = roots === undefined ? [] : [this.#rootsUpdate(identity.material)];
    identity.on('rotated', this.#rotated);
    this.#sources = await TrustSources.open(
      bundles,
      {
        now,
        random: Math.random,
        crlStore: this.#crlStore,
        ocspFolder: stateDir === undefined ? undefined : join(stateDir, 'ocsp'),
        before: undefined,
        intermediates: [],
        onTrust: (update) => {
          // What comes while everything is loaded is told below, behind the bundles that it is about.
          if (this.#sources !== undefined && live.apply(update)) this.#options.onCas();
        },
        info: () => undefined,
        warn: problem,
        shout: problem,
      },
      given,
    );
    for (const update of [...given, ...this.#sources.standing()]) live.apply(update);
    await this.#startFeed();
  }

  /** Asks for the status of certificates; resolves when everything that can be had is known. */
  async ask(bundle: string, questions: readonly StatusQuestionData[], signal?: AbortSignal): Promise<void> {
    await this.#sources?.ask(bundle, questions, signal);
  }

  /** Takes in CAs of paths that were verified: DER. */
  learn(certificates: readonly Uint8Array[]): void {
    this.#sources?.learn(certificates);
  }

  /** Resolves when what is to be kept is on disk. */
  async settled(): Promise<void> {
    await this.#crlStore?.settled();
    await this.#sources?.settled();
  }

  stop(): void {
    this.#options.identity.off('rotated', this.#rotated);
    this.#sources?.stop();
    this.#feed?.stop();
  }

  async #startFeed(): Promise<void> {
    const feed = this.#feed;
    if (feed === undefined) return;
    await feed.start();
    this.#options.live.useFeed(feed.ledger);
    if (feed.ledger.freshAt !== undefined) return;
    const given = new AbortController();
    const late = sleep(START_MS, undefined, { signal: given.signal }).catch(() => undefined);
    await Promise.race([this.#heard.promise, late]);
    given.abort();
  }

  #identityChanged(): void {
    this.#feed?.reconnect();
    if (this.#options.options.roots === undefined) return;
    const before = this.#roots;
    const update = this.#rootsUpdate(this.#options.identity.material);
    if (this.#roots === before) return;
    this.#sources?.setBundle(update);
    if (this.#options.live.apply(update)) this.#options.onCas();
  }

  /** The identity's roots, and the CAs that it shows itself, as the bundle `own`. */
  #rootsUpdate({ caPem, chain }: Material): BundleUpdate {
    const [, ...intermediates] = chain;
    this.#roots = caPem + intermediates.map(({ der }) => pemEncode('CERTIFICATE', der)).join('');
    const file = { source: 'the CA file of the identity', bytes: Buffer.from(this.#roots), anchorsOnly: false };
    return { kind: 'bundle', name: 'own', files: [file], signers: [] };
  }
}
