import { CompiledQuery } from 'kysely';
import type { Compilable, Kysely } from 'kysely';
import type { Tables } from './schema.ts';

/** What a statement has answered. */
export interface Answer {
  readonly rows: readonly unknown[];
  /** How many rows it has changed. */
  readonly changed: number;
}

/** Runs a statement. */
export type Run = (sql: string, parameters: readonly unknown[]) => Promise<Answer>;

/** Stands for a value that is given when the statement runs. */
class Mark {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A place for the value called `name`, of the type that the query wants there. */
export type Place<V> = <N extends keyof V & string>(name: N) => V[N];

/** A statement whose text is made once, when it runs for the first time. */
export type Prepared<V, R> = (values: V) => Promise<{ readonly rows: readonly R[]; readonly changed: number }>;

/**
 * Makes statements that are asked all the time: Kysely builds their text once, for making it anew costs many times what running it
 * does.
 *
 * @example
 * const find = preparing(run)<{ id: number }, { name: string }>((place) =>
 *   db.selectFrom('t').select('name').where('id', '=', place('id')));
 * const { rows } = await find({ id: 1 });
 */
export function preparing(run: Run) {
  return <V extends Readonly<Record<string, unknown>>, R = unknown>(
    build: (place: Place<V>) => Compilable<R>,
  ): Prepared<V, R> => {
    let made: CompiledQuery<R> | undefined;
    return async (values) => {
      made ??= build((name) => new Mark(name) as never).compile();
      const parameters = made.parameters.map((one) => (one instanceof Mark ? values[one.name] : one));
      // The rows are what the query's own type says: its text is what Kysely made of it.
      return (await run(made.sql, parameters)) as { rows: readonly R[]; changed: number };
    };
  };
}

/** Runs statements through Kysely. */
export function throughKysely(db: Kysely<Tables>): Run {
  return async (sql, parameters) => {
    const { rows, numAffectedRows } = await db.executeQuery(CompiledQuery.raw(sql, [...parameters]));
    return { rows, changed: Number(numAffectedRows ?? 0) };
  };
}
