import type { ClientConfig } from 'pg';
import { Connection } from './connection.ts';

const firstMs = 100;
const mostMs = 5000;

/**
 * Listens to the other nodes, for as long as the process lives: a connection that is lost is made anew, after growing waits that differ
 * from node to node. What was said meanwhile was not heard, so whoever listens is told of every new connection.
 */
export class Notices {
  readonly #config: ClientConfig;
  readonly #channel: string;
  readonly #hear: (payload: string) => void;
  readonly #onConnected: () => void;
  readonly #random: () => number;
  #connection: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  constructor(
    config: ClientConfig,
    channel: string,
    listener: { hear: (payload: string) => void; onConnected: () => void; random?: () => number },
  ) {
    this.#config = config;
    this.#channel = channel;
    this.#hear = listener.hear;
    this.#onConnected = listener.onConnected;
    this.#random = listener.random ?? Math.random;
  }

  /** Whether the server is heard now. */
  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** Connects for the first time. @throws AuthorityError `storage_failed` */
  async start(): Promise<void> {
    await this.#connect();
  }

  /** Asks whether the server is still there: a connection can be dead without a word. */
  async check(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    try {
      await connection.run('select 1');
    } catch {
      await connection.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#connection?.close();
  }

  async #connect(): Promise<void> {
    const connection = await Connection.open(this.#config);
    connection.onNotice(this.#hear);
    connection.onLost(() => {
      if (this.#connection === connection) this.#connection = undefined;
      this.#again();
    });
    try {
      await connection.run(`listen ${this.#channel}`);
    } catch (error) {
      await connection.close();
      throw error;
    }
    if (this.#closed || connection.lost) {
      await connection.close();
      return;
    }
    this.#connection = connection;
    this.#failures = 0;
    this.#onConnected();
  }

  #again(): void {
    if (this.#closed || this.#timer !== undefined) return;
    const waitMs = Math.min(mostMs, firstMs * 2 ** this.#failures) * (0.5 + this.#random() / 2);
    this.#failures += 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#connect().catch(() => this.#again());
    }, waitMs);
    this.#timer.unref();
  }
}
