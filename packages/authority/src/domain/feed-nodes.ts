import { z } from 'zod';
import type { Progress } from './feed-convergence.ts';
import type { NodeChannel } from './ports.ts';

/** How this node is called. */
export interface NodeIdentity {
  /** Of this process alone. */
  readonly id: string;
  /** For people. */
  readonly name: string;
}

/** A node that has said nothing for so long has ended, or cannot be reached. */
const silentMs = 5000;

interface Other {
  readonly name: string;
  heardAt: number;
  gateways: number;
  servers: number;
}

/** How far those who are connected to another node are. */
export interface NodeProgress extends Progress {
  /** Its name. */
  readonly node: string;
  /** False where it was not heard. */
  readonly answered: boolean;
}

const count = z.int().min(0);
const common = { node: z.string().max(64) };

/** What one node says to all others. */
const messageSchema = z.discriminatedUnion('type', [
  z.object({ ...common, type: z.literal('here'), name: z.string(), gateways: count, servers: count }),
  z.object({ ...common, type: z.literal('gone') }),
  z.object({ ...common, type: z.literal('ask'), seq: count }),
  z.object({
    ...common,
    type: z.literal('settled'),
    seq: count,
    gateways: count,
    converged: count,
    servers: count,
    serversConverged: count,
  }),
  z.object({ ...common, type: z.literal('acknowledged'), gateway: z.string(), cursor: z.string(), workers: count }),
]);
type Message = z.infer<typeof messageSchema>;
type Said<M> = M extends Message ? Omit<M, 'node'> : never;
type Report = Extract<Message, { type: 'settled' }>;

/** What the other nodes want of this one. */
export interface NodeListener {
  /** Somebody asks how far the gateways of this node are. */
  asked(seq: number): void;
  /** A gateway has acknowledged at a node that it is not subscribed to. */
  acknowledged(gateway: string, cursor: string, workers: number): void;
}

export interface OtherNodesOptions {
  readonly channel: NodeChannel;
  readonly self: NodeIdentity;
  /** Milliseconds that only go forward. */
  readonly elapsed: () => number;
  readonly listener: NodeListener;
}

/**
 * The other nodes of the same store: who they are and how far their gateways are. Each says every second that it is there. While this
 * node cannot hear them, those it knew are still counted, as not converged: that nobody contradicts is no news.
 */
export class OtherNodes {
  readonly #options: OtherNodesOptions;
  readonly #others = new Map<string, Other>();
  readonly #reports = new Set<(report: Report) => void>();
  readonly #stop: () => void;

  constructor(options: OtherNodesOptions) {
    this.#options = options;
    this.#stop = options.channel.onMessage((text) => this.#hear(text));
  }

  /** The other nodes, as far as is known. */
  list(): readonly ({ readonly id: string } & Omit<Other, 'heardAt'>)[] {
    const { channel, elapsed } = this.#options;
    for (const [id, { heardAt }] of this.#others) {
      if (channel.connected() && elapsed() - heardAt > silentMs) this.#others.delete(id);
    }
    return [...this.#others].map(([id, { name, gateways, servers }]) => ({ id, name, gateways, servers }));
  }

  /** Says that this node is there; to be called every second or so. */
  announce(gateways: number, servers: number): void {
    this.#say({ type: 'here', name: this.#options.self.name, gateways, servers });
  }

  /** Says how far those who are connected here are. */
  report(seq: number, progress: Progress): void {
    this.#say({ type: 'settled', seq, ...progress });
  }

  /** Passes on an acknowledgement of a gateway that is subscribed elsewhere. */
  passOn(gateway: string, cursor: string, workers: number): void {
    this.#say({ type: 'acknowledged', gateway, cursor, workers });
  }

  /** Asks every other node how far those who are connected to it are; `changed` is called whenever one has said something new. */
  ask(seq: number, changed: () => void): { result(): NodeProgress[]; end(): void } {
    const others = this.list();
    const heard = new Map<string, Progress>();
    const hear = (told: Report): void => {
      if (told.seq < seq) return;
      heard.set(told.node, told);
      changed();
    };
    this.#reports.add(hear);
    if (others.length > 0) this.#say({ type: 'ask', seq });
    return {
      result: () =>
        others.map(({ id, name, gateways, servers }) => ({
          node: name,
          gateways: heard.get(id)?.gateways ?? gateways,
          converged: heard.get(id)?.converged ?? 0,
          servers: heard.get(id)?.servers ?? servers,
          serversConverged: heard.get(id)?.serversConverged ?? 0,
          answered: heard.has(id),
        })),
      end: () => this.#reports.delete(hear),
    };
  }

  close(): void {
    this.#say({ type: 'gone' });
    this.#stop();
  }

  #say(message: Said<Message>): void {
    const { channel, self } = this.#options;
    // What cannot be said now is said again in a second, or is missed by who asked: they count what they have heard.
    channel.send(JSON.stringify({ node: self.id, ...message })).catch(() => undefined);
  }

  #hear(text: string): void {
    const message = readMessage(text);
    const { self, elapsed, listener } = this.#options;
    if (message === undefined || message.node === self.id) return;
    const other = this.#others.get(message.node);
    if (other !== undefined) other.heardAt = elapsed();
    switch (message.type) {
      case 'here': {
        const { name, gateways, servers } = message;
        this.#others.set(message.node, { name, gateways, servers, heardAt: elapsed() });
        break;
      }
      case 'gone':
        this.#others.delete(message.node);
        break;
      case 'ask':
        listener.asked(message.seq);
        break;
      case 'acknowledged':
        listener.acknowledged(message.gateway, message.cursor, message.workers);
        break;
      case 'settled':
        for (const hear of this.#reports) hear(message);
        break;
    }
  }
}

/** Undefined for what a node of another version says, or anybody else who may write to the database. */
function readMessage(text: string): Message | undefined {
  try {
    return messageSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
