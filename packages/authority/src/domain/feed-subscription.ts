/** Where a subscriber's octets go. */
export interface FeedSink {
  send(octets: Uint8Array): void;
  /** Octets that the other side has not taken yet. */
  readonly backlog: number;
  /** Resolves when there is room again: false where the other side is gone, or has taken nothing for too long. */
  ready(): Promise<boolean>;
  end(): void;
}

/** Who listens. */
export interface FeedSubscriber {
  /** The id that acknowledgements come under; undefined for one that only watches. */
  readonly gateway: string | undefined;
  /** It is a server of the SDK, which is counted beside the gateways. */
  readonly isServer?: boolean;
  readonly name: string;
  readonly cursor: string | undefined;
  /** Asks for a snapshot, though it has a cursor. */
  readonly full?: boolean;
  /** The certificates that this connection rests on: it ends with any of them. */
  readonly path: readonly { readonly issuer: string; readonly serial: string }[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What may wait for one that is still catching up, before more is read for it. */
const catchUpBytes = 256 << 10;

/** What may wait for one that listens live. It is cut off beyond, and goes on at its cursor when it can read again. */
const liveBytes = 4 << 20;

/** One subscriber's stream. What waits in memory for it is bounded, however slowly it reads and however much there is to tell. */
export class Subscription {
  readonly subscriber: FeedSubscriber;
  readonly connectedAt: number;
  readonly #sink: FeedSink;
  readonly #onEnd: (subscription: Subscription) => void;
  #ended = false;

  constructor(
    subscriber: FeedSubscriber,
    sink: FeedSink,
    connectedAt: number,
    onEnd: (subscription: Subscription) => void,
  ) {
    this.subscriber = subscriber;
    this.connectedAt = connectedAt;
    this.#sink = sink;
    this.#onEnd = onEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Sends what it has missed, no faster than it is read. */
  async catchUp(pieces: Iterable<Uint8Array>): Promise<void> {
    for (const piece of pieces) {
      if (this.#ended) return;
      this.#sink.send(piece);
      if (this.#sink.backlog >= catchUpBytes && !(await this.#sink.ready())) this.end();
    }
  }

  /** Sends a line that everybody has at this moment. */
  tell(line: Uint8Array): void {
    if (this.#ended) return;
    this.#sink.send(line);
    if (this.#sink.backlog >= liveBytes) this.end();
  }

  restsOn(issuer: string, serial: string): boolean {
    return this.subscriber.path.some((one) => one.issuer === issuer && one.serial === serial);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sink.end();
    this.#onEnd(this);
  }
}
