import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { problemKinds, routes } from '@countersign/protocol';
import { authorityErrorCodes } from '../src/index.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/authority-api.md'), 'utf8');

/** The rows of every table whose cells are as many as `columns`. */
function rows(columns: number): string[][] {
  const lines = page.split('\n').filter((line) => line.startsWith('| ') && line.includes('`'));
  return lines.map((line) => line.slice(2, -2).split(' | ')).filter(({ length }) => length === columns);
}

describe('docs/authority-api.md', () => {
  it('lists every route, in order, and no other', () => {
    const expected = Object.values(routes).map(({ method, path, principals, summary }) => [
      method,
      `\`${path}\``,
      principals.join(', '),
      summary,
    ]);
    assert.deepEqual(rows(4), expected);
  });

  it('lists every problem code, in order, and no other', () => {
    const expected = Object.entries(problemKinds).map(([code, { status, title }]) => [
      `\`${code}\``,
      String(status),
      title,
    ]);
    assert.deepEqual(rows(3), expected);
  });

  it('lists every error code, in order, and no other', () => {
    assert.deepEqual(
      rows(2),
      Object.entries(authorityErrorCodes).map(([code, words]) => [`\`${code}\``, words]),
    );
  });
});
