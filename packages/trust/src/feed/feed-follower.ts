import { randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '@countersign/pki';
import { anchorOf } from '../bundle/bundle.ts';
import type { FeedEvent } from './feed-event.ts';
import type { FeedApplied } from './feed-state.ts';
import { nodeCrypto } from '../crypto/node-crypto.ts';
import { StateStore } from './state-store.ts';
import type { LoadedState } from './state-store.ts';
import type { Staleness } from '../state/revocation-source.ts';
import type { TrustUpdate } from '../sources/trust-update.ts';
import { FeedConnection } from './feed-connection.ts';
import { FeedLedger } from './feed-ledger.ts';
import { words } from '../words.ts';

/** More changes than this behind a snapshot: another one is fetched. */
const MANY_CHANGES = 10_000;
const ACKNOWLEDGE_MS = 10_000;
const NOTHING_KEPT: LoadedState = { loaded: false, problems: [], alarms: [] };

/** What the authority is called with, as it is at the moment; it seals the stored state too. */
export interface FeedIdentity {
  readonly material: {
    readonly key: KeyObject;
    readonly chain: readonly Certificate[];
    readonly roots: readonly Certificate[];
  };
  /** Over mutual TLS. */
  readonly fetch: (url: URL, init: RequestInit & { signal: AbortSignal }) => Promise<Response>;
}

export interface FeedFollowerOptions {
  /** The authority's base URL. */
  readonly url: URL;
  readonly identity: FeedIdentity;
  /** Reads a line, parsed as JSON; throws where it is none of the feed's. */
  readonly read: (line: unknown) => FeedEvent;
  readonly staleness: Staleness;
  /** Folder of the stored state; undefined: nothing is kept. */
  readonly folder: string | undefined;
  /** Whose seal of the stored state counts, see `StateStore`. */
  readonly isSealer?: ((signer: Certificate) => boolean) | undefined;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** Tells whoever judges; resolves when all have applied it. `outcome`: what it has led to in {@link FeedFollower.ledger}. */
  readonly tell: (update: TrustUpdate, outcome: FeedApplied) => Promise<void>;
  /** False: whoever judges looks at the ledger itself, so that the lines that led to it need not be kept. */
  readonly keepLines?: boolean | undefined;
  /** The workers that have applied what was told; undefined: nothing is acknowledged, and nobody waits for that. */
  readonly workers: (() => number) | undefined;
  /** A line was applied. */
  readonly onApplied?: (() => void) | undefined;
  /** CAs of the authority have changed. */
  readonly onBundle: () => void;
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly shout: (message: string) => void;
}

/**
 * Follows the authority's feed: every line is checked and applied here, stored, told to whoever judges by it, and, by a
 * gateway, acknowledged when all its workers have applied it.
 */
export class FeedFollower {
  readonly ledger: FeedLedger;
  readonly #options: FeedFollowerOptions;
  readonly #store: StateStore | undefined;
  readonly #connection: FeedConnection;
  readonly #gateway = randomUUID();
  #connected = false;
  /** The authority forgets who was where when it ends, or the connection does: the first line of the next one is answered. */
  #owed = true;
  #complaint = '';
  #resync = false;
  #bundle = '';

  constructor(options: FeedFollowerOptions) {
    this.#options = options;
    const { identity } = options;
    const anchors = identity.material.roots.map(anchorOf);
    this.ledger = new FeedLedger({
      anchors,
      crypto: nodeCrypto,
      staleness: options.staleness,
      bundleName: 'own',
      keepLines: options.keepLines,
    });
    this.#store =
      options.folder === undefined
        ? undefined
        : new StateStore({
            folder: options.folder,
            anchors,
            crypto: nodeCrypto,
            sealer: () => ({ key: identity.material.key, chain: identity.material.chain.map(({ der }) => der) }),
            isSealer: options.isSealer,
          });
    this.#connection = new FeedConnection({
      fetch: (url, init) => identity.fetch(url, init),
      url: options.url,
      gateway: options.workers === undefined ? undefined : this.#gateway,
      cursor: () => this.ledger.cursor,
      full: () => this.#resync,
      onLine: (line) => this.#take(line),
      onUp: () => {
        this.#connected = true;
        this.#owed = true;
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
    const { loaded, problems, alarms } = (await this.#store?.load(this.ledger, this.#options.now())) ?? NOTHING_KEPT;
    for (const problem of problems) this.#options.shout(`the stored trust state: ${problem.message}. ${problem.mend}`);
    for (const alarm of alarms) this.#options.shout(alarm.detail);
    if (loaded) this.#options.info(`the stored trust state is of ${new Date(this.ledger.freshAt ?? 0).toISOString()}`);
    this.#bundle = this.#bundleMark();
    void this.#connection.run();
  }

  stop(): void {
    this.#connection.stop();
  }

  /** The certificate that the authority is called with has changed: connect with the new one. */
  reconnect(): void {
    this.#connection.reconnect('the certificate was renewed');
  }

  #take(line: unknown): void {
    const event = this.#options.read(line);
    const now = this.#options.now();
    const outcome = this.ledger.apply(event, now);
    if (!outcome.ok) {
      this.#resync = outcome.resync;
      this.#options.shout(`the feed: ${outcome.error.message}. ${outcome.error.mend}`);
      throw outcome.error;
    }
    this.#resync = false;
    for (const alarm of outcome.alarms) this.#options.shout(alarm.detail);
    // Those who judge first: what is refused is refused a disk's time earlier. The acknowledgement waits for both.
    const told = this.#options.tell({ kind: 'feed', event, receivedAt: now }, outcome);
    const cursor = this.ledger.cursor ?? '';
    if (outcome.bundle !== undefined && this.#bundle !== this.#bundleMark()) {
      this.#bundle = this.#bundleMark();
      this.#options.onBundle();
    }
    const stored = this.#save(event, now);
    const { workers } = this.#options;
    if ((this.#owed || event.type !== 'heartbeat') && workers !== undefined) {
      this.#owed = false;
      void Promise.all([told, stored]).then(() => this.#acknowledge(cursor, workers()));
    }
    this.#options.onApplied?.();
    if (this.ledger.changeCount > MANY_CHANGES) {
      this.#resync = true;
      this.#connection.reconnect('there are many changes since the snapshot');
    }
  }

  async #save(event: FeedEvent, now: number): Promise<void> {
    try {
      if (event.type === 'snapshot') await this.#store?.saveSnapshot(event, this.ledger, now);
      else await this.#store?.saveChanges([event], this.ledger, now);
    } catch (error) {
      this.#options.shout(words(error));
    }
  }

  async #acknowledge(cursor: string, workers: number): Promise<void> {
    const body = JSON.stringify({ gateway: this.#gateway, cursor, workers });
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
