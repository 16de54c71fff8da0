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
export interface Run {
  (sql: string, parameters: readonly unknown[]): Promise<Answer>;
  /** The rows of a question as lists of values, in the order of its columns, where the database can give them so. */
  readonly lists?: (sql: string, parameters: readonly unknown[]) => Promise<readonly (readonly unknown[])[]>;
}

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
    const bind = binding(build);
    return async (values) => {
      const { sql, parameters } = bind(values);
      // The rows are what the query's own type says: its text is what Kysely made of it.
      return (await run(sql, parameters)) as { rows: readonly R[]; changed: number };
    };
  };
}

/**
 * The same for questions with very many rows, which come as lists of values in the order of the columns: to give each value a name takes
 * longer than to read it.
 */
export function preparingLists(run: Run) {
  const lists =
    run.lists ??
    (async (sql, parameters) => (await run(sql, parameters)).rows.map((row) => Object.values(row as object)));
  return <V extends Readonly<Record<string, unknown>>, L extends readonly unknown[]>(
    build: (place: Place<V>) => Compilable,
  ): ((values: V) => Promise<readonly L[]>) => {
    const bind = binding(build);
    return async (values) => {
      const { sql, parameters } = bind(values);
      return (await lists(sql, parameters)) as readonly unknown[] as readonly L[];
    };
  };
}

function binding<V extends Readonly<Record<string, unknown>>>(build: (place: Place<V>) => Compilable) {
  let made: CompiledQuery | undefined;
  return (values: V): { readonly sql: string; readonly parameters: readonly unknown[] } => {
    made ??= build((name) => new Mark(name) as never).compile();
    const parameters = made.parameters.map((one) => (one instanceof Mark ? values[one.name] : one));
    return { sql: made.sql, parameters };
  };
}

/** Runs statements through Kysely. */
export function throughKysely(db: Kysely<Tables>): Run {
  return async (sql, parameters) => {
    const { rows, numAffectedRows } = await db.executeQuery(CompiledQuery.raw(sql, [...parameters]));
    return { rows, changed: Number(numAffectedRows ?? 0) };
  };
}
