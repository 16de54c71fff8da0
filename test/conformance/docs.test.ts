import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PATH_CODES } from '@countersign/pki';

const docs = readFileSync(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');

test('docs/conformance.md lists every code of a path as the table has it, and no other', () => {
  const table = docs.slice(docs.indexOf('| code |')).trimEnd().split('\n').slice(2);
  const expected = Object.entries(PATH_CODES).map(
    ([code, { refusal, group, section, words }]) =>
      `| \`${code}\` | \`${refusal}\` | ${group} | ${section} | ${words} |`,
  );
  assert.deepEqual(table, expected);
});
