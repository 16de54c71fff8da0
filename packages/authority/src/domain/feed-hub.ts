import { formatCursor, parseCursor } from '@countersign/protocol';
import type { Convergence, FeedEvent } from '@countersign/protocol';
import { readBundle } from './bundle.ts';
import { changeEvent, takeSnapshot } from './feed-lines.ts';
import type { SnapshotSigner } from './feed-lines.ts';
import type { After, Clock, Store, StoredFeedChange } from './ports.ts';

/** How many changes are read from the store at once. */
const pageSize = 1000;

/** Where a subscriber's lines go. */
export interface FeedSink {
  /** False when so much waits to be read on the other side that it is better cut off: it comes back with its cursor. */
  send(line: string): boolean;
  end(): void;
}

/** Who listens. */
export interface FeedSubscriber {
  /** The id that acknowledgements come under; undefined for one that only watches. */
  readonly gateway: string | undefined;
  readonly name: string;
  readonly cursor: string | undefined;
  /** The certificates that this connection rests on: it ends with any of them. */
  readonly path: readonly { readonly issuer: string; readonly serial: string }[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

interface Subscription extends FeedSubscriber {
  readonly sink: FeedSink;
  readonly connectedAt: number;
  ended: boolean;
}

interface Acknowledged {
  readonly seq: number;
  readonly workers: number;
}

interface Snapshot {
  readonly line: string;
  readonly upTo: number;
}

/** A snapshot that others may have too; `upTo` is undefined while it is being taken. */
interface KeptSnapshot {
  readonly at: number;
  readonly taken: Promise<Snapshot>;
  upTo: number | undefined;
}

/** A connected gateway, for the status. */
export interface ConnectedGateway {
  readonly id: string;
  readonly name: string;
  readonly connectedAt: number;
  readonly acknowledged: string | undefined;
  readonly workers: number;
}

export interface FeedHubOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly after: After;
  readonly sign: SnapshotSigner;
  readonly heartbeatMs: number;
}

/**
 * The feed: takes every change from the store in commit order and gives it to everyone who listens. The state is three things: who
 * listens live, up to where the changes were given out, and what the gateways have acknowledged.
 */
export class FeedHub {
  readonly #options: FeedHubOptions;
  readonly #live = new Set<Subscription>();
  readonly #acknowledged = new Map<string, Acknowledged>();
  readonly #waiting = new Set<() => void>();
  readonly #watchers = new Set<(change: StoredFeedChange) => void>();
  readonly #stopStore: () => void;
  #epoch: string;
  #seq: number;
  #pumping: Promise<void> | undefined;
  #pumpAgain = false;
  #snapshot: KeptSnapshot | undefined;
  #lastHeartbeat: number;
  #closed = false;

  private constructor(options: FeedHubOptions, epoch: string, seq: number) {
    this.#options = options;
    this.#epoch = epoch;
    this.#seq = seq;
    this.#lastHeartbeat = options.clock();
    this.#stopStore = options.store.onChange(() => void this.pump());
  }

  /** A hub that goes on from where the store is. */
  static async open(options: FeedHubOptions): Promise<FeedHub> {
    const { epoch, seq } = await options.store.state();
    return new FeedHub(options, epoch, seq);
  }

  /** The last change that was given out. */
  get cursor(): string {
    return formatCursor(this.#epoch, this.#seq);
  }

  /**
   * Begins a stream to `sink`: what it missed since its cursor, or a snapshot; a heartbeat that says it is up to date; then whatever
   * comes. The function that is returned ends it.
   */
  async subscribe(subscriber: FeedSubscriber, sink: FeedSink): Promise<() => void> {
    const subscription: Subscription = {
      ...subscriber,
      sink,
      connectedAt: this.#options.clock(),
      ended: false,
    };
    let seq = this.#resumeFrom(subscriber.cursor);
    if (seq === undefined) {
      const { line, upTo } = await this.#freshSnapshot();
      this.#send(subscription, line);
      seq = upTo;
      if (seq > this.#seq) await this.pump();
    }
    while (seq < this.#seq && !subscription.ended) {
      const changes = await this.#options.store.changesAfter(seq, pageSize);
      const missed = changes.filter((change) => change.seq <= this.#seq);
      if (missed.length === 0) break;
      for (const change of missed) this.#send(subscription, await this.#line(change));
      seq = missed.at(-1)?.seq ?? seq;
    }
    // Nothing awaited since the comparison above: no change can fall between catching up and listening.
    if (!subscription.ended && !this.#closed) {
      this.#live.add(subscription);
      this.#send(subscription, this.#heartbeat());
    } else {
      this.#end(subscription);
    }
    return () => this.#end(subscription);
  }

  /** The current signed snapshot as one line of JSON. */
  async snapshotLine(): Promise<string> {
    return (await this.#freshSnapshot()).line;
  }

  /** A gateway says that all its workers are at `cursor`. False for a cursor of another history or of the future. */
  acknowledge(gateway: string, cursor: string, workers: number): boolean {
    const parsed = parseCursor(cursor);
    if (parsed === undefined || parsed.epoch !== this.#epoch || parsed.seq > this.#seq) return false;
    const before = this.#acknowledged.get(gateway)?.seq ?? 0;
    this.#acknowledged.set(gateway, { seq: Math.max(before, parsed.seq), workers });
    for (const check of this.#waiting) check();
    return true;
  }

  /** Resolves when every gateway that is connected now has acknowledged `seq`, or after `boundMs`. */
  async settled(seq: number, boundMs: number): Promise<Convergence> {
    const started = this.#options.clock();
    const gateways = new Set([...this.#live].flatMap(({ gateway }) => gateway ?? []));
    const converged = (): number =>
      [...gateways].filter((gateway) => (this.#acknowledged.get(gateway)?.seq ?? -1) >= seq).length;
    if (converged() < gateways.size) {
      await new Promise<void>((resolve) => {
        const callOff = this.#options.after(boundMs, () => done());
        const check = (): void => {
          if (converged() === gateways.size) done();
        };
        const done = (): void => {
          callOff();
          this.#waiting.delete(check);
          resolve();
        };
        this.#waiting.add(check);
      });
    }
    return { gateways: gateways.size, converged: converged(), waitedMs: this.#options.clock() - started };
  }

  /** Who is connected. */
  gateways(): ConnectedGateway[] {
    return [...this.#live].flatMap(({ gateway, name, connectedAt }) => {
      if (gateway === undefined) return [];
      const acknowledged = this.#acknowledged.get(gateway);
      return {
        id: gateway,
        name,
        connectedAt,
        acknowledged: acknowledged && formatCursor(this.#epoch, acknowledged.seq),
        workers: acknowledged?.workers ?? 0,
      };
    });
  }

  /** To be called every second or so: heartbeats, and the end of who has expired. */
  tick(): void {
    const now = this.#options.clock();
    for (const subscription of this.#live) if (subscription.expiresAt < now) this.#end(subscription);
    // A clock that was set back must not silence the heart.
    if (Math.abs(now - this.#lastHeartbeat) < this.#options.heartbeatMs) return;
    this.#lastHeartbeat = now;
    const line = this.#heartbeat();
    for (const subscription of this.#live) this.#send(subscription, line);
  }

  /** Calls `watcher` with each change from now on, in their order and before anybody else has it; what is returned ends that. */
  watch(watcher: (change: StoredFeedChange) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Gives out whatever the store has beyond the last change. */
  pump(): Promise<void> {
    this.#pumpAgain = true;
    this.#pumping ??= this.#pumpAll().finally(() => {
      this.#pumping = undefined;
    });
    return this.#pumping;
  }

  close(): void {
    this.#closed = true;
    this.#stopStore();
    for (const subscription of this.#live) this.#end(subscription);
  }

  async #pumpAll(): Promise<void> {
    while (this.#pumpAgain && !this.#closed) {
      this.#pumpAgain = false;
      for (;;) {
        const changes = await this.#options.store.changesAfter(this.#seq, pageSize);
        if (changes.length === 0) break;
        for (const change of changes) for (const watcher of this.#watchers) watcher(change);
        for (const change of changes) this.#giveOut(change, await this.#line(change));
      }
    }
  }

  #giveOut(change: StoredFeedChange, line: string): void {
    this.#seq = change.seq;
    for (const subscription of this.#live) {
      this.#send(subscription, line);
      const own =
        change.type === 'revoked' &&
        subscription.path.some(({ issuer, serial }) => issuer === change.issuer && serial === change.serial);
      if (own) this.#end(subscription);
    }
  }

  /** From where a cursor goes on; undefined where only a snapshot helps. */
  #resumeFrom(cursor: string | undefined): number | undefined {
    const parsed = cursor === undefined ? undefined : parseCursor(cursor);
    return parsed !== undefined && parsed.epoch === this.#epoch && parsed.seq <= this.#seq ? parsed.seq : undefined;
  }

  /** Gateways that come back all at once share one snapshot; its own place says where its reader goes on. */
  async #freshSnapshot(): Promise<Snapshot> {
    const { store, clock, sign, heartbeatMs } = this.#options;
    const now = clock();
    const known = this.#snapshot;
    const stillNow = known?.upTo === undefined || known.upTo === this.#seq;
    if (known !== undefined && stillNow && Math.abs(now - known.at) < heartbeatMs) return known.taken;
    const taken = store
      .view((tx) => takeSnapshot(tx, now, sign))
      .then((snapshot) => ({ line: JSON.stringify(snapshot), upTo: snapshot.seq }));
    const kept: KeptSnapshot = { at: now, taken, upTo: undefined };
    this.#snapshot = kept;
    try {
      kept.upTo = (await taken).upTo;
    } catch (error) {
      if (this.#snapshot === kept) this.#snapshot = undefined;
      throw error;
    }
    return taken;
  }

  async #line(change: StoredFeedChange): Promise<string> {
    const { store, clock } = this.#options;
    const bundle = change.type === 'bundle' ? await readBundle(store, clock()) : undefined;
    return JSON.stringify(changeEvent(this.#epoch, change, bundle));
  }

  #heartbeat(): string {
    const event: FeedEvent = { type: 'heartbeat', cursor: this.cursor, at: this.#options.clock() };
    return JSON.stringify(event);
  }

  #send(subscription: Subscription, line: string): void {
    if (!subscription.ended && !subscription.sink.send(line)) this.#end(subscription);
  }

  #end(subscription: Subscription): void {
    if (subscription.ended) return;
    subscription.ended = true;
    this.#live.delete(subscription);
    subscription.sink.end();
  }
}
