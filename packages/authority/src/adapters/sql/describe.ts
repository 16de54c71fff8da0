import type { Generated } from 'kysely';

/** What a column holds, in every database. A `counter` numbers the rows of its table by itself. */
export type ColumnType = 'text' | 'integer' | 'bytes' | 'counter';

/** A column; `value` exists for the types only. */
export interface Column<T> {
  readonly type: ColumnType;
  readonly optional: boolean;
  readonly value?: T;
}

export const text: Column<string> = { type: 'text', optional: false };
/** Up to 2^53. */
export const integer: Column<number> = { type: 'integer', optional: false };
export const bytes: Column<Uint8Array> = { type: 'bytes', optional: false };
export const counter: Column<Generated<number>> = { type: 'counter', optional: false };

/** The same column, which may hold nothing. */
export function optional<T>(column: Column<T>): Column<T | null> {
  return { type: column.type, optional: true };
}

type Columns = Readonly<Record<string, Column<unknown>>>;

/** An index; `where` makes it one of the rows that fulfil the condition. */
interface Index<Name extends string> {
  readonly on: readonly Name[];
  readonly unique?: boolean;
  readonly where?: string;
}

/** A table. Conditions are SQL that every database understands. */
export interface Table<C extends Columns = Columns, Name extends string = string> {
  readonly columns: C;
  readonly primaryKey: readonly Name[];
  readonly checks?: readonly string[];
  readonly indexes?: Readonly<Record<string, Index<Name>>>;
}

/** A table whose keys and indexes name its own columns. */
export function table<const C extends Columns>(described: Table<C, keyof C & string>): Table<C> {
  return described;
}

/** The rows of described tables, as Kysely's types. */
export type RowsOf<T extends Readonly<Record<string, { readonly columns: Columns }>>> = {
  [Name in keyof T]: {
    -readonly [C in keyof T[Name]['columns']]: T[Name]['columns'][C] extends Column<infer V> ? V : never;
  };
};

/** How a database writes what it writes in its own way. */
export interface Dialect {
  readonly types: Readonly<Record<ColumnType, string>>;
  /** What stands behind the columns of a table. */
  readonly tableEnd: (table: Table) => string;
}

/** The statements that make the tables. */
export function createStatements(described: Readonly<Record<string, Table>>, dialect: Dialect): string[] {
  return Object.entries(described).flatMap(([name, one]) => [
    createTable(name, one, dialect),
    ...Object.entries(one.indexes ?? {}).map(([index, { on, unique, where }]) => {
      const condition = where === undefined ? '' : ` where ${where}`;
      return `create ${unique === true ? 'unique ' : ''}index ${index} on ${name} (${on.map(quoted).join(', ')})${condition}`;
    }),
  ]);
}

function createTable(name: string, one: Table, dialect: Dialect): string {
  const columns = Object.entries(one.columns).map(
    ([column, { type, optional: mayBeNull }]) =>
      `${quoted(column)} ${dialect.types[type]}${mayBeNull || type === 'counter' ? '' : ' not null'}`,
  );
  // A counter is its table's primary key already.
  const keyed = one.primaryKey.some((column) => one.columns[column]?.type === 'counter');
  const key = keyed ? [] : [`primary key (${one.primaryKey.map(quoted).join(', ')})`];
  const checks = (one.checks ?? []).map((check) => `check (${check})`);
  return `create table ${name} (${[...columns, ...key, ...checks].join(', ')})${dialect.tableEnd(one)}`;
}

function quoted(name: string): string {
  return `"${name}"`;
}
