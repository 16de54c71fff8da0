import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LINT_RULES } from '../../src/index.ts';

test('docs/lint.md tells every finding as the table of findings has it, and no other', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../../docs/lint.md'), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  const expected = Object.entries(LINT_RULES).map(
    ([code, { severity, section, words }]) => `| \`${code}\` | ${severity} | ${section} | ${words} |`,
  );
  assert.deepEqual(rows, expected);
});
