import { feedEventSchema } from '@countersign/protocol';
import { anchorOf, FeedState, nodeCrypto } from '@countersign/trust';
import type { FeedEvent } from '@countersign/trust';
import type { FeedHub } from '../../src/domain/feed-hub.ts';
import type { TestDomain } from './context.ts';

/** What many gateways are sent is read once for all of them. */
const read = new WeakMap<Uint8Array, FeedEvent>();

function eventOf(octets: Uint8Array): FeedEvent {
  const known = read.get(octets);
  if (known !== undefined) return known;
  const event = feedEventSchema.parse(JSON.parse(Buffer.from(octets).toString())) as FeedEvent;
  read.set(octets, event);
  return event;
}

/** A gateway as far as the feed goes: applies every line as a real one does, and comes back with its cursor, or for everything. */
export class FeedGateway {
  readonly id: string;
  readonly #domain: TestDomain;
  readonly #state: FeedState;
  #leave: (() => void) | undefined;
  #pieces: Uint8Array[] = [];
  #full = false;
  /** What the last heartbeat said. */
  heartbeat: Extract<FeedEvent, { type: 'heartbeat' }> | undefined;
  snapshots = 0;
  /** Drops the next change on its way here. */
  loseNext = false;

  constructor(id: string, domain: TestDomain) {
    this.id = id;
    this.#domain = domain;
    this.#state = new FeedState({ anchors: [anchorOf(domain.cas.root.certificate)], crypto: nodeCrypto });
  }

  get connected(): boolean {
    return this.#leave !== undefined;
  }

  get digest(): string {
    return this.#state.digest();
  }

  /** Connects to a node; resolves when it has caught up. */
  async connect(hub: FeedHub): Promise<void> {
    this.#pieces = [];
    let ended = false;
    const leave = await hub.subscribe(
      {
        gateway: this.id,
        name: this.id,
        cursor: this.#state.cursor,
        full: this.#full,
        path: [],
        expiresAt: Number.POSITIVE_INFINITY,
      },
      {
        backlog: 0,
        ready: async () => true,
        send: (octets) => this.#take(octets),
        end: () => {
          ended = true;
          this.#leave = undefined;
        },
      },
    );
    if (!ended) this.#leave = leave;
  }

  /** As when its machine is switched off, or the network is. */
  disconnect(): void {
    this.#leave?.();
  }

  #take(octets: Uint8Array): void {
    this.#pieces.push(octets);
    if (octets.at(-1) !== 0x0a) return;
    const [only, ...more] = this.#pieces.splice(0);
    if (only === undefined) return;
    const event = eventOf(more.length === 0 ? only : Buffer.concat([only, ...more]));
    if (event.type === 'revoked' && this.loseNext) {
      this.loseNext = false;
      return;
    }
    if (event.type === 'snapshot') this.snapshots += 1;
    if (event.type === 'heartbeat') this.heartbeat = event;
    const applied = this.#state.apply(event, this.#domain.clock.now());
    this.#full = !applied.ok && applied.resync;
    if (!applied.ok) this.disconnect();
  }
}
