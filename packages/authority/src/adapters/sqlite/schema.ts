import { createStatements } from '../sql/describe.ts';
import type { Dialect, Table } from '../sql/describe.ts';
import { tables } from '../sql/schema.ts';

/** `strict` refuses a value of another type; a table whose key is no number is kept in the order of its key. */
const dialect: Dialect = {
  types: { text: 'text', integer: 'integer', bytes: 'blob', counter: 'integer primary key autoincrement' },
  tableEnd: (table) => (isNumbered(table) ? ' strict' : ' strict, without rowid'),
};

function isNumbered({ columns, primaryKey: [first = '', ...rest] }: Table): boolean {
  return rest.length === 0 && columns[first]?.type !== 'text';
}

/** The statements that make the tables in SQLite. */
export const schema: string = createStatements(tables, dialect)
  .map((statement) => `${statement};`)
  .join('\n');
