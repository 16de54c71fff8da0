import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '@countersign/testkit';
import { makeFolder } from '../../src/files/make-folder.ts';

test('a folder and those above it are made for their owner alone, and are left as they are when they are there', () => {
  using folder = temporaryFolder();
  makeFolder(folder.in('a', 'b', 'c'));
  for (const path of [folder.in('a'), folder.in('a', 'b', 'c')]) assert.equal(statSync(path).mode & 0o777, 0o700);
  makeFolder(folder.in('a', 'b', 'c'));
});

test('a file in the way is an error', () => {
  using folder = temporaryFolder();
  writeFileSync(folder.in('file'), '');
  assert.throws(() => makeFolder(folder.in('file')), { code: 'EEXIST' });
  assert.throws(() => makeFolder(folder.in('file', 'below')), { code: 'ENOTDIR' });
});

test(
  'a place where nothing can be made is an error, not an endless try',
  { skip: existsSync('/proc/self') ? false : 'there is no /proc' },
  () => {
    assert.throws(() => makeFolder('/proc/countersign/below'), { code: 'ENOENT' });
  },
);
