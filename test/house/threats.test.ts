// docs/threats.md names a test for each known attack: every one of them is there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '@countersign/testkit';

interface Row {
  readonly threat: string;
  readonly file: string;
  readonly name: string;
}

const ROW = /^\| (?<threat>[TI]\d+) +\| .+ \| \[.+\]\(\.\.\/(?<file>[^)]+)\) +\| (?<name>.+?) +\|$/u;

const lines = readFileSync(join(repository, 'docs/threats.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| [TI]\d/u.test(line));
const rows = lines.map((line): Row => {
  const { threat = '', file = '', name = '' } = ROW.exec(line)?.groups ?? {};
  return { threat, file, name };
});

/** The names of a file's tests as its source has them, with `…` for what is filled in when they run. */
function titlesOf(file: string): readonly string[] {
  const source = readFileSync(join(repository, file), 'utf8');
  const calls = source.matchAll(/\b(?:test|it)\(\s*(?<quote>['"`])(?<title>(?:\\.|(?!\k<quote>).)*)\k<quote>/gsu);
  return [...calls].map(({ groups }) =>
    (groups?.['title'] ?? '').replaceAll(/\$\{[^}]*\}/gu, '…').replaceAll(/\\(.)/gu, '$1'),
  );
}

function range(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => `T${from + at}`);
}

test('every line of the table can be read', () => {
  assert.ok(lines.length > 100);
  assert.deepEqual(
    lines.filter((_, at) => rows[at]?.name === ''),
    [],
  );
});

test('every test that the table names is there', () => {
  const titles = new Map([...new Set(rows.map(({ file }) => file))].map((file) => [file, titlesOf(file)]));
  assert.deepEqual(
    rows.filter(({ file, name }) => titles.get(file)?.includes(name) !== true),
    [],
  );
});

test('no known attack is without a test, and they stand in their order', () => {
  const issuing = ['I1', 'I2', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10', 'I11', 'I12', 'I13'];
  const wanted = [...range(1, 13), ...range(15, 43), ...range(46, 51), ...issuing];
  assert.deepEqual([...new Set(rows.map(({ threat }) => threat))], wanted);
});

test('a name that is not in the file is seen', () => {
  assert.ok(!titlesOf('test/house/threats.test.ts').includes('a test that nobody wrote'));
  assert.ok(titlesOf('test/house/threats.test.ts').includes('a name that is not in the file is seen'));
});
