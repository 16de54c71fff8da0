import { randomUUID } from 'node:crypto';
import { feedEventSchema } from '@countersign/protocol';
import { anchorOf, type FeedEvent, nodeCrypto, StateStore } from '@countersign/trust';
import type { Identity } from '@countersign/sdk';
import type { StalenessConfig } from '../config/config.ts';
import type { TrustUpdate } from '../worker/trust-update.ts';
import { FeedConnection } from './feed-connection.ts';
import { FeedLedger } from './feed-ledger.ts';
import { words } from '../log/words.ts';

/** More changes than this behind a snapshot: another one is fetched. */
const MANY_CHANGES = 10_000;
const ACKNOWLEDGE_MS = 10_000;

export interface FeedFollowerOptions {
  /** The authority's base URL. */
  readonly url: URL;
  /** The gateway's own: it is called with, and seals the stored state. */
  readonly identity: Identity;
  readonly staleness: StalenessConfig;
  /** Folder of the stored state. */
  readonly folder: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** Tells all workers; resolves when they have applied it. */
  readonly tell: (update: TrustUpdate) => Promise<void>;
  /** The workers that have applied what was told. */
  readonly workers: () => number;
  /** CAs of the authority have changed. */
  readonly onBundle: () => void;
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly shout: (message: string) => void;
}

/**
 * Follows the authority's feed for the whole gateway: every line is checked and applied here, stored, told to the workers, and
 * acknowledged when all of them have applied it.
 */
export class FeedFollower {
  readonly ledger: FeedLedger;
  readonly #options: FeedFollowerOptions;
  readonly #store: StateStore;
  readonly #connection: FeedConnection;
  readonly #gateway = randomUUID();
  #connected = false;
  #complaint = '';
  #resync = false;
  #bundle = '';

  constructor(options: FeedFollowerOptions) {
    this.#options = options;
    const { identity } = options;
    const anchors = identity.material.roots.map(anchorOf);
    this.ledger = new FeedLedger({ anchors, crypto: nodeCrypto, staleness: options.staleness, bundleName: 'own' });
    this.#store = new StateStore({
      folder: options.folder,
      anchors,
      crypto: nodeCrypto,
      sealer: () => ({ key: identity.material.key, chain: identity.material.chain.map(({ der }) => der) }),
    });
    this.#connection = new FeedConnection({
      fetch: (url, init) => identity.fetch(url, init),
      url: options.url,
      gateway: this.#gateway,
      cursor: () => this.ledger.cursor,
      full: () => this.#resync,
      onLine: (line) => this.#take(line),
      onUp: () => {
        this.#connected = true;
        options.info('the feed of the authority is connected');
      },
      onDown: (reason) => {
        const message = `the feed of the authority is ${this.#connected ? 'lost' : 'not to be had'}: ${reason}`;
        // Every loss is said, and every new reason; not every try.
        if (this.#connected || message !== this.#complaint) options.warn(message);
        this.#complaint = message;
        this.#connected = false;
      },
      random: options.random,
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Brings the stored state back; then follows the feed until {@link stop}. */
  async start(): Promise<void> {
    const { loaded, problems, alarms } = await this.#store.load(this.ledger, this.#options.now());
    for (const problem of problems) this.#options.shout(`the stored trust state: ${problem.message}. ${problem.mend}`);
    for (const alarm of alarms) this.#options.shout(alarm.detail);
    if (loaded) this.#options.info(`the stored trust state is of ${new Date(this.ledger.freshAt ?? 0).toISOString()}`);
    this.#bundle = this.#bundleMark();
    void this.#connection.run();
  }

  stop(): void {
    this.#connection.stop();
  }

  /** The gateway's certificate has changed: connect with the new one. */
  reconnect(): void {
    this.#connection.reconnect('the certificate was renewed');
  }

  #take(line: unknown): void {
    const event = feedEventSchema.parse(line) as FeedEvent;
    const now = this.#options.now();
    const outcome = this.ledger.apply(event, now);
    if (!outcome.ok) {
      this.#resync = outcome.resync;
      this.#options.shout(`the feed: ${outcome.error.message}. ${outcome.error.mend}`);
      throw outcome.error;
    }
    this.#resync = false;
    for (const alarm of outcome.alarms) this.#options.shout(alarm.detail);
    // Workers first: what is refused is refused a disk's time earlier. The acknowledgement waits for both.
    const told = this.#options.tell({ kind: 'feed', event, receivedAt: now });
    const cursor = this.ledger.cursor ?? '';
    if (outcome.bundle !== undefined && this.#bundle !== this.#bundleMark()) {
      this.#bundle = this.#bundleMark();
      this.#options.onBundle();
    }
    const stored = this.#save(event, now);
    if (event.type !== 'heartbeat') void Promise.all([told, stored]).then(() => this.#acknowledge(cursor));
    if (this.ledger.changeCount > MANY_CHANGES) {
      this.#resync = true;
      this.#connection.reconnect('there are many changes since the snapshot');
    }
  }

  async #save(event: FeedEvent, now: number): Promise<void> {
    try {
      if (event.type === 'snapshot') await this.#store.saveSnapshot(event, this.ledger, now);
      else await this.#store.saveChanges([event], this.ledger, now);
    } catch (error) {
      this.#options.shout(words(error));
    }
  }

  async #acknowledge(cursor: string): Promise<void> {
    const body = JSON.stringify({ gateway: this.#gateway, cursor, workers: this.#options.workers() });
    try {
      const response = await this.#options.identity.fetch(new URL('/v1/feed/acks', this.#options.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(ACKNOWLEDGE_MS),
      });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
    } catch (error) {
      this.#options.warn(`the feed could not be acknowledged: ${words(error)}`);
    }
  }

  /** What changes with the authority's CAs. */
  #bundleMark(): string {
    const { anchors = [], intermediates = [] } = this.ledger.bundle ?? {};
    const ders = [...anchors.map((anchor) => anchor.spki.der), ...intermediates.map((certificate) => certificate.der)];
    return ders.map((der) => Buffer.from(der).toString('base64')).join();
  }
}
