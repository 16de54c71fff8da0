import { formatCursor, parseCursor } from '@countersign/protocol';
import type { Convergence, FeedEvent } from '@countersign/protocol';
import { readBundle } from './bundle.ts';
import { Acknowledgements } from './feed-acknowledgements.ts';
import { report, settled } from './feed-convergence.ts';
import type { ConvergenceOptions, Followers } from './feed-convergence.ts';
import { FeedDigest } from './feed-digest.ts';
import { changeEvent } from './feed-lines.ts';
import { OtherNodes } from './feed-nodes.ts';
import type { NodeIdentity } from './feed-nodes.ts';
import { Snapshots } from './feed-snapshot.ts';
import type { SnapshotOptions, WrittenSnapshot } from './feed-snapshot.ts';
import { Subscription } from './feed-subscription.ts';
import type { FeedSink, FeedSubscriber } from './feed-subscription.ts';
import type { After, StoredFeedChange, StoredRevocation } from './ports.ts';

/** How many changes are read from the store at once. */
const pageSize = 1000;

/** A connected gateway, for the status. */
export interface ConnectedGateway {
  readonly id: string;
  readonly name: string;
  readonly connectedAt: number;
  readonly acknowledged: string | undefined;
  readonly workers: number;
}

export interface FeedHubOptions extends SnapshotOptions {
  readonly after: After;
  /** Milliseconds that only go forward. */
  readonly elapsed: () => number;
  readonly heartbeatMs: number;
  readonly self: NodeIdentity;
}

/** Is called with changes. */
export type FeedWatcher = (change: StoredFeedChange) => void;

/**
 * The feed of one node: takes every change from the store in commit order, whichever node made it, and gives it to everyone who listens.
 * The state is three things: who listens live, up to where the changes were given out, and what the gateways have acknowledged.
 */
export class FeedHub {
  readonly #options: FeedHubOptions;
  readonly #live = new Set<Subscription>();
  readonly #catchingUp = new Set<Subscription>();
  readonly #acknowledgements = new Acknowledgements();
  readonly #watchers = new Set<FeedWatcher>();
  readonly #snapshots: Snapshots;
  readonly #digest: FeedDigest;
  readonly #nodes: OtherNodes | undefined;
  readonly #convergence: ConvergenceOptions;
  readonly #stopStore: () => void;
  #epoch: string;
  #seq: number;
  #pumping: Promise<void> | undefined;
  #pumpAgain = false;
  #lastHeartbeat: number;
  #closed = false;

  private constructor(options: FeedHubOptions, epoch: string, seq: number) {
    this.#options = options;
    this.#epoch = epoch;
    this.#seq = seq;
    this.#lastHeartbeat = options.clock();
    this.#snapshots = new Snapshots(options);
    this.#digest = new FeedDigest(options);
    const { channel } = options.store;
    this.#nodes =
      channel &&
      new OtherNodes({
        ...options,
        channel,
        listener: {
          // Whoever asks counts what it hears: what fails here is not heard.
          asked: (at) => void this.#answer(at).catch(() => undefined),
          acknowledged: (gateway, cursor, workers) =>
            void this.#record(gateway, cursor, workers).catch(() => undefined),
        },
      });
    this.#convergence = { ...options, acknowledgements: this.#acknowledgements, nodes: this.#nodes };
    // Where the store does not answer, the next tick tries again and says so.
    this.#stopStore = options.store.onChange(() => void this.pump().catch(() => undefined));
  }

  /** A hub that goes on from where the store is. `readDigest` is to follow. */
  static async open(options: FeedHubOptions): Promise<FeedHub> {
    const { epoch, seq } = await options.store.state();
    return new FeedHub(options, epoch, seq);
  }

  /** The last change that was given out. */
  get cursor(): string {
    return formatCursor(this.#epoch, this.#seq);
  }

  /** Reads the digest of everything that is revoked; heartbeats carry it from then on. */
  readDigest(): Promise<void> {
    return this.#digest.read();
  }

  /**
   * Begins a stream to `sink`: what it missed since its cursor, or a snapshot; a heartbeat that says it is up to date; then whatever
   * comes. The function that is returned ends it. Rejects where the store does not answer.
   */
  async subscribe(subscriber: FeedSubscriber, sink: FeedSink): Promise<() => void> {
    const leave = subscriber.gateway === undefined ? undefined : this.#acknowledgements.enter(subscriber.gateway);
    const subscription = new Subscription(subscriber, sink, this.#options.clock(), (ended) => {
      this.#live.delete(ended);
      this.#catchingUp.delete(ended);
      leave?.();
    });
    this.#catchingUp.add(subscription);
    try {
      await this.#catchUp(subscription);
    } catch (error) {
      subscription.end();
      throw error;
    }
    return () => subscription.end();
  }

  /** The signed state as it is now, as one line of JSON in pieces. */
  async snapshot(): Promise<WrittenSnapshot> {
    await this.pump();
    return this.#snapshots.get(this.#seq, this.#seq);
  }

  /** A gateway says that all its workers are at `cursor`. False for a cursor of another history or of the future. */
  async acknowledge(gateway: string, cursor: string, workers: number): Promise<boolean> {
    const recorded = await this.#record(gateway, cursor, workers);
    // The stream of a gateway and what it says beside it may come out at different nodes.
    if (recorded === 'elsewhere') this.#nodes?.passOn(gateway, cursor, workers);
    return recorded !== 'refused';
  }

  /** Resolves when every gateway and judging server that is connected now, to whichever node, has acknowledged `seq`, or after `boundMs`. */
  settled(seq: number, boundMs: number): Promise<Convergence> {
    return settled(this.#convergence, this.#followers(), seq, boundMs);
  }

  /** The gateways that are connected to this node. */
  gateways(): ConnectedGateway[] {
    return this.#connected(false);
  }

  /** The judging servers of the SDK that are connected to this node. */
  servers(): ConnectedGateway[] {
    return this.#connected(true);
  }

  #connected(servers: boolean): ConnectedGateway[] {
    return [...this.#live].flatMap(({ subscriber: { gateway, name, isServer = false }, connectedAt }) => {
      if (gateway === undefined || isServer !== servers) return [];
      const acknowledged = this.#acknowledgements.of(gateway);
      return {
        id: gateway,
        name,
        connectedAt,
        acknowledged: acknowledged && formatCursor(this.#epoch, acknowledged.seq),
        workers: acknowledged?.workers ?? 0,
      };
    });
  }

  /** The other nodes of the same store. */
  nodes(): readonly { readonly name: string; readonly gateways: number; readonly servers: number }[] {
    return this.#nodes?.list() ?? [];
  }

  /**
   * To be called every second or so: the end of who has expired, whatever other processes have changed, and heartbeats. A heartbeat says
   * that there is nothing else: there is none while the store does not answer, and this rejects.
   */
  async tick(): Promise<void> {
    const { clock, heartbeatMs } = this.#options;
    const now = clock();
    for (const subscription of this.#live) if (subscription.subscriber.expiresAt < now) subscription.end();
    this.#snapshots.tidy();
    const { gateways, servers } = this.#followers();
    this.#nodes?.announce(gateways.size, servers.size);
    await this.pump();
    // A clock that was set back must not silence the heart.
    if (Math.abs(now - this.#lastHeartbeat) < heartbeatMs) return;
    this.#lastHeartbeat = now;
    const line = this.#heartbeat();
    for (const subscription of this.#live) subscription.tell(line);
  }

  /** Calls `watcher` with each change from now on, in their order and before anybody else has it; what is returned ends that. */
  watch(watcher: FeedWatcher): () => void {
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
    this.#nodes?.close();
    for (const subscription of [...this.#live, ...this.#catchingUp]) subscription.end();
  }

  async #catchUp(subscription: Subscription): Promise<void> {
    const { cursor, full } = subscription.subscriber;
    // Another node may have told it of more than this one has read.
    await this.pump();
    const known = cursor === undefined ? undefined : parseCursor(cursor);
    const ours = known !== undefined && known.epoch === this.#epoch && known.seq <= this.#seq ? known.seq : undefined;
    let seq = full === true ? undefined : ours;
    let least = ours ?? 0;
    for (;;) {
      seq ??= await this.#sendSnapshot(subscription, least);
      if (seq >= this.#seq || subscription.ended) break;
      const changes = await this.#options.store.changesAfter(seq, pageSize);
      const missed = changes.filter((change) => change.seq <= this.#seq);
      const next: number | undefined = missed.at(-1)?.seq;
      // What it has missed is there no more: only the whole state of now helps.
      if (next === undefined || missed[0]?.seq !== seq + 1) {
        seq = undefined;
        least = this.#seq;
        continue;
      }
      const lines = await Promise.all(missed.map((change) => this.#line(change)));
      await subscription.catchUp(lines);
      if (missed.some((change) => endsWith(subscription, change))) subscription.end();
      seq = next;
    }
    this.#catchingUp.delete(subscription);
    // Nothing awaited since the comparison above: no change can fall between catching up and listening.
    if (subscription.ended) return;
    if (this.#closed) {
      subscription.end();
      return;
    }
    this.#live.add(subscription);
    subscription.tell(this.#heartbeat());
  }

  /** The place in the feed that the snapshot is of. */
  async #sendSnapshot(subscription: Subscription, least: number): Promise<number> {
    for (;;) {
      const { epoch, seq, pieces } = await this.#snapshots.get(least, this.#seq);
      if (seq > this.#seq || epoch !== this.#epoch) await this.pump();
      if (epoch === this.#epoch) {
        await subscription.catchUp(pieces);
        return seq;
      }
      this.#snapshots.forget();
    }
  }

  async #pumpAll(): Promise<void> {
    const { store } = this.#options;
    while (this.#pumpAgain && !this.#closed) {
      this.#pumpAgain = false;
      for (;;) {
        const changes = await store.changesAfter(this.#seq, pageSize);
        // Asked after the changes were read, so they are of this history or one that is over: an epoch never comes back.
        const { epoch, seq } = await store.state();
        const [first] = changes;
        const gap = first === undefined ? seq < this.#seq : first.seq !== this.#seq + 1;
        if (epoch !== this.#epoch || gap) {
          this.#beginAnew(epoch, seq);
          break;
        }
        if (first === undefined) break;
        for (const change of changes) for (const watcher of this.#watchers) watcher(change);
        for (const change of changes) this.#giveOut(change, await this.#line(change));
      }
    }
  }

  /**
   * Another history, or this node was away for so long that what it has missed is pruned. Everybody comes back with a cursor, and gets
   * what helps.
   */
  #beginAnew(epoch: string, seq: number): void {
    this.#epoch = epoch;
    this.#seq = seq;
    this.#acknowledgements.clear();
    this.#snapshots.forget();
    for (const subscription of [...this.#live, ...this.#catchingUp]) subscription.end();
    const tellWatchers = (revocation: StoredRevocation): void => {
      for (const watcher of this.#watchers) watcher({ type: 'revoked', seq, ...revocation });
    };
    // Without it heartbeats carry no digest; the next history brings the next try.
    this.#digest.read(tellWatchers).catch(() => undefined);
  }

  #giveOut(change: StoredFeedChange, line: Uint8Array): void {
    this.#seq = change.seq;
    this.#digest.give(change);
    for (const subscription of this.#live) {
      subscription.tell(line);
      if (endsWith(subscription, change)) subscription.end();
    }
  }

  async #record(gateway: string, cursor: string, workers: number): Promise<'here' | 'elsewhere' | 'refused'> {
    const parsed = parseCursor(cursor);
    if (parsed === undefined) return 'refused';
    if (parsed.epoch === this.#epoch && parsed.seq > this.#seq) await this.pump();
    if (parsed.epoch !== this.#epoch || parsed.seq > this.#seq) return 'refused';
    return this.#acknowledgements.record(gateway, parsed.seq, workers) ? 'here' : 'elsewhere';
  }

  /** Another node asks how far the gateways here are. */
  async #answer(seq: number): Promise<void> {
    await this.pump();
    if (this.#seq >= seq) await report(this.#convergence, this.#followers(), seq);
  }

  #followers(): Followers {
    return {
      gateways: new Set(this.gateways().map(({ id }) => id)),
      servers: new Set(this.servers().map(({ id }) => id)),
    };
  }

  async #line(change: StoredFeedChange): Promise<Uint8Array> {
    const { store, clock } = this.#options;
    const bundle = change.type === 'bundle' ? await readBundle(store, clock()) : undefined;
    return lineOf(changeEvent(this.#epoch, change, bundle));
  }

  #heartbeat(): Uint8Array {
    const digest = this.#digest.at(this.#seq);
    const at = this.#options.clock();
    return lineOf({ type: 'heartbeat', cursor: this.cursor, at, ...(digest === undefined ? {} : { digest }) });
  }
}

function endsWith(subscription: Subscription, change: StoredFeedChange): boolean {
  return change.type === 'revoked' && subscription.restsOn(change.issuer, change.serial);
}

function lineOf(event: FeedEvent): Uint8Array {
  return Buffer.from(`${JSON.stringify(event)}\n`);
}
