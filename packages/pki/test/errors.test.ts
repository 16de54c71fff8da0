import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PKI_ERRORS, PkiError } from '@countersign/pki';

const page = readFileSync(join(import.meta.dirname, '../../../docs/pki-errors.md'), 'utf8');

test('docs/pki-errors.md lists every error code, in order, with its words, and no other', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, code, words]) => [code, words]);
  assert.deepEqual(rows, Object.entries(PKI_ERRORS));
});

test('an error says its code, its words, the detail and the place', () => {
  const error = new PkiError('der_tag', 'tag octet 5', 7);
  assert.ok(error instanceof Error);
  assert.deepEqual([error.name, error.code, error.offset], ['PkiError', 'der_tag', 7]);
  assert.equal(error.message, `${PKI_ERRORS.der_tag}: tag octet 5`);
});
