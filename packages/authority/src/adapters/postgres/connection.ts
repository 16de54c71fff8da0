import { Kysely, PostgresDialect } from 'kysely';
import type { PostgresPoolClient } from 'kysely';
import { Client, Pool } from 'pg';
import type { ClientBase, ClientConfig, PoolClient, QueryResult } from 'pg';
import type { Tables } from '../sql/schema.ts';
import { storeFailure } from './failure.ts';

/** A connection as Kysely wants it: failures of the server come out in our own words. */
function worded(client: ClientBase, release: () => void): PostgresPoolClient {
  const query = async (sql: string, values: unknown[]): Promise<unknown> => {
    try {
      return await client.query(sql, values);
    } catch (error) {
      throw storeFailure(error);
    }
  };
  // Kysely's other form of a query, the cursor, is not used here.
  return { query, release } as unknown as PostgresPoolClient;
}

/** One connection of its own, for transactions. */
export class Connection {
  readonly db: Kysely<Tables>;
  readonly #client: Client;
  #lost = false;

  private constructor(client: Client) {
    this.#client = client;
    client.on('error', () => (this.#lost = true));
    client.on('end', () => (this.#lost = true));
    const own = worded(client, () => undefined);
    this.db = kysely(async () => own);
  }

  /** @throws AuthorityError `storage_failed` */
  static async open(config: ClientConfig): Promise<Connection> {
    const client = new Client(config);
    // Before anybody listens for it, an error would end the process.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      throw storeFailure(error);
    }
    return new Connection(client);
  }

  /** Whether there is no way back to the server on this connection. */
  get lost(): boolean {
    return this.#lost;
  }

  get inTransaction(): boolean {
    return !this.#lost && this.#client.getTransactionStatus() !== 'I';
  }

  /** Runs statements as they are; the last one's answer. */
  async run(statements: string): Promise<QueryResult<Record<string, unknown>>> {
    try {
      // Several statements have several answers, which the types do not say.
      const answers = (await this.#client.query(statements)) as unknown;
      return (Array.isArray(answers) ? answers.at(-1) : answers) as QueryResult<Record<string, unknown>>;
    } catch (error) {
      throw storeFailure(error);
    }
  }

  onNotice(listener: (payload: string) => void): void {
    this.#client.on('notification', ({ payload }) => listener(payload ?? ''));
  }

  onLost(listener: () => void): void {
    this.#client.once('end', listener);
  }

  /** Ends it; one that does not answer any more is cut off. */
  async close(): Promise<void> {
    this.#lost = true;
    await this.#client.end().catch(() => undefined);
  }
}

/** Connections that anyone may ask on, made when they are needed. */
export class Connections {
  readonly db: Kysely<Tables>;
  readonly #pool: Pool;

  constructor(config: ClientConfig, most: number) {
    this.#pool = new Pool({ ...config, max: most, idleTimeoutMillis: 60_000 });
    // A connection that is lost while nobody uses it: the next question gets another.
    this.#pool.on('error', () => undefined);
    // One that is lost while somebody uses it tells who asks on it; an event that nobody listens for would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
    this.db = kysely(() => this.#take());
  }

  /** Runs work on one connection; where it fails the connection is not used again. */
  async withOne<T>(
    work: (connection: { db: Kysely<Tables>; run(sql: string): Promise<void> }) => Promise<T>,
  ): Promise<T> {
    const client = await this.#connect();
    const own = worded(client, () => undefined);
    const run = async (sql: string): Promise<void> => {
      await own.query(sql, []);
    };
    try {
      const value = await work({ db: kysely(async () => own), run });
      client.release();
      return value;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #take(): Promise<PostgresPoolClient> {
    const client = await this.#connect();
    return worded(client, () => client.release());
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw storeFailure(error);
    }
  }
}

function kysely(connect: () => Promise<PostgresPoolClient>): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: { connect, end: async () => undefined, options: {} } }),
  });
}
