import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthorityError } from '../../src/errors.ts';
import { problemOf } from '../../src/http/problem.ts';

test('a failure of the store is told in words that need no code, and in none of its own', () => {
  const full = problemOf(new AuthorityError('storage_full', 'database or disk is full'));
  assert.equal(`${full.code}: ${full.message}`, 'storage_full: its disk is full; nothing was changed');
  const failed = problemOf(new AuthorityError('storage_failed', 'relation "x" of 10.0.0.7 does not exist'));
  assert.equal(`${failed.code}: ${failed.message}`, 'storage_failed: its store does not answer; try again later');
  const other = problemOf(new Error('/etc/secret'));
  assert.equal(other.code, 'internal');
  assert.doesNotMatch(other.message, /secret/u);
});
