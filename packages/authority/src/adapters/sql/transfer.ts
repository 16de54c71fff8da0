import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { tables } from './schema.ts';
import type { Tables } from './schema.ts';

/** How many rows are carried at once. */
const pageSize = 500;

/** What one database says of itself is not for another. */
const ownKeys = new Set(['schema_version']);

/**
 * Copies every row of every table from one database to another of the same schema, whatever the two are. `from` is to show one moment,
 * `to` to be empty and in a transaction.
 */
export async function copyTables(from: Kysely<Tables>, to: Kysely<Tables>): Promise<void> {
  for (const [name, { primaryKey }] of Object.entries(tables)) {
    let last: readonly unknown[] | undefined;
    for (;;) {
      const rows = await page(from, name, primaryKey, last);
      const carried = name === 'meta' ? rows.filter(({ key }) => !ownKeys.has(String(key))) : rows;
      if (carried.length > 0) await insert(to, name, carried);
      const end = rows.at(-1);
      if (end === undefined || rows.length < pageSize) break;
      last = primaryKey.map((column) => end[column]);
    }
  }
}

type Row = Readonly<Record<string, unknown>>;

async function page(
  from: Kysely<Tables>,
  name: string,
  primaryKey: readonly string[],
  after: readonly unknown[] | undefined,
): Promise<readonly Row[]> {
  const key = sql.join(primaryKey.map((column) => sql.ref(column)));
  const where = after === undefined ? sql`` : sql` where (${key}) > (${sql.join(after)})`;
  const query = sql<Row>`select * from ${sql.table(name)}${where} order by ${key} limit ${sql.lit(pageSize)}`;
  return (await query.execute(from)).rows;
}

async function insert(to: Kysely<Tables>, name: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const values = rows.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`);
  const names = sql.join(columns.map((column) => sql.ref(column)));
  await sql`insert into ${sql.table(name)} (${names}) values ${sql.join(values)}`.execute(to);
}
