import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '@countersign/testkit';
import { dataFolder, dataState, makeData, requireData } from '../../src/data/folder.ts';
import { CliFailure } from '../../src/failure.ts';

const code =
  (expected: string) =>
  (error: unknown): boolean =>
    error instanceof CliFailure && error.code === expected && error.exit === 1;

test('--data wins over COUNTERSIGN_DATA, which wins over .countersign', () => {
  const at = (env: NodeJS.ProcessEnv, flag?: string): string => dataFolder({ cwd: '/w', env }, flag).path;
  assert.equal(at({ COUNTERSIGN_DATA: 'e' }, 'f'), '/w/f');
  assert.equal(at({ COUNTERSIGN_DATA: '/e' }), '/e');
  assert.equal(at({}), '/w/.countersign');
});

test('a made folder is private and ready', () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  assert.equal(dataState(folder), 'fresh');
  assert.throws(() => requireData(folder), code('data_missing'));
  makeData(folder, 0);
  assert.equal(dataState(folder), 'ready');
  assert.equal(statSync(folder.path).mode & 0o777, 0o700);
  assert.equal(statSync(folder.run).mode & 0o777, 0o700);
});

test('a folder of another version, and one of something else, is left alone', () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  mkdirSync(folder.path);
  writeFileSync(folder.marker, '{"format":99}');
  assert.throws(() => dataState(folder), code('data_format'));
  writeFileSync(folder.marker, '{"format":');
  assert.throws(() => dataState(folder), code('data_format'));
  const other = dataFolder({ cwd: temporary.path, env: {} }, '.');
  assert.throws(() => dataState(other), code('data_not_ours'));
});
