import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '@countersign/testkit';
import { dataFolder, dataState, requireData } from '../../src/data/folder.ts';
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
  assert.equal(at({ COUNTERSIGN_DATA: '' }), '/w/.countersign', 'never the calling folder itself');
});

test('a folder is fresh until its marker is written, and ready from then on', () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  assert.equal(dataState(folder), 'fresh');
  mkdirSync(folder.run, { recursive: true });
  mkdirSync(folder.secrets);
  assert.equal(dataState(folder), 'fresh');
  assert.throws(() => requireData(folder), code('data_missing'));
  writeFileSync(folder.marker, '{"format":1}');
  assert.equal(dataState(folder), 'ready');
  requireData(folder);
});

test('a folder of another version, and one of something else, is left alone', () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  mkdirSync(folder.path);
  writeFileSync(folder.marker, '{"format":99}');
  assert.throws(() => dataState(folder), code('data_format'));
  writeFileSync(folder.marker, '{"format":');
  assert.throws(() => dataState(folder), code('data_format'));
  const other = dataFolder({ cwd: temporary.path, env: {} }, 'other');
  mkdirSync(other.path);
  writeFileSync(temporary.in('other', 'thesis.txt'), '');
  assert.throws(() => dataState(other), code('data_not_ours'));
});
