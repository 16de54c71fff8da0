import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leadingFlags, spreadLists } from '../src/arguments.ts';

const shape = { lists: new Set(['--trust', '--crl']), values: new Set(['--time']), positionals: 1 };

test('--data and --json may stand before the command', () => {
  assert.deepEqual(leadingFlags(['--data', 'D', '--json', 'list', '--name', 'x']), [
    'list',
    '--name',
    'x',
    '--data',
    'D',
    '--json',
  ]);
  assert.deepEqual(leadingFlags(['--data=D', 'list']), ['list', '--data=D']);
  assert.deepEqual(leadingFlags(['list', '--json']), ['list', '--json']);
  assert.deepEqual(leadingFlags(['--data']), ['--data']);
});

test('a list flag takes several values once the positional arguments are there', () => {
  assert.deepEqual(spreadLists(['c', '--trust', 'a', 'b', '--crl', 'x'], shape), [
    'c',
    '--trust',
    'a',
    '--trust',
    'b',
    '--crl',
    'x',
  ]);
});

test('a list flag before the positional argument takes one value', () => {
  assert.deepEqual(spreadLists(['--trust', 'a', 'c'], shape), ['--trust', 'a', 'c']);
  assert.deepEqual(spreadLists(['--trust', 'a', 'c', '--crl', 'x', 'y'], shape), [
    '--trust',
    'a',
    'c',
    '--crl',
    'x',
    '--crl',
    'y',
  ]);
});

test('the value of another flag is never taken for one of the list', () => {
  assert.deepEqual(spreadLists(['c', '--trust', 'a', '--time', 't', '-'], shape), [
    'c',
    '--trust',
    'a',
    '--time',
    't',
    '-',
  ]);
});

test('what follows -- is left alone', () => {
  assert.deepEqual(spreadLists(['--trust', 'a', '--', '--trust', 'b', 'c'], shape), [
    '--trust',
    'a',
    '--',
    '--trust',
    'b',
    'c',
  ]);
});
