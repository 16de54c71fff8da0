import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress } from '../../src/config/address.ts';
import { parseDuration } from '../../src/config/duration.ts';
import { normalizeNamePattern, normalizeServerName, selectByName } from '../../src/config/server-name.ts';

test('a name has one form whatever its case, trailing dot or script', () => {
  for (const text of ['B.TEST', 'b.test.', 'B.Test.']) assert.equal(normalizeServerName(text), 'b.test');
  assert.equal(normalizeServerName('BÜCHER.example'), 'xn--bcher-kva.example');
  assert.equal(normalizeServerName('127.0.0.1'), '127.0.0.1');
  assert.equal(normalizeServerName('0:0:0:0:0:0:0:1'), '::1');
});

test('what is no name has no form', () => {
  const none = [
    '',
    '.',
    'a..b',
    '-a.test',
    'a b',
    'a\0b',
    'a/b',
    'a:80',
    '[a]',
    '*',
    'x.*',
    'fe80::1%eth0',
    '1.2.3',
    '0x7f.1',
    `${'a'.repeat(64)}.test`,
  ];
  for (const text of none) assert.equal(normalizeServerName(text), undefined, JSON.stringify(text));
  assert.equal(normalizeNamePattern('*.1.2.3.4'), undefined);
});

test('an exact name goes before a wildcard of one label, that before any', () => {
  const hosts = [{ names: ['*'] }, { names: ['*.test'] }, { names: ['a.test'] }];
  assert.equal(selectByName(hosts, 'a.test'), hosts[2]);
  assert.equal(selectByName(hosts, 'b.test'), hosts[1]);
  assert.equal(selectByName(hosts, 'x.b.test'), hosts[0]);
  assert.equal(selectByName(hosts.slice(1), 'x.b.test'), undefined);
  assert.equal(selectByName([{ names: ['*.0.0.1'] }], '127.0.0.1'), undefined);
});

test('addresses and durations', () => {
  assert.deepEqual(parseAddress('[::1]:443'), { host: '::1', port: 443 });
  assert.equal(formatAddress({ host: '::1', port: 443 }), '[::1]:443');
  for (const text of ['::1:443', '127.0.0.1', ':80', 'a:99999', '[x]:1', 'a b:1'])
    assert.equal(parseAddress(text), undefined, text);
  assert.equal(parseDuration('24h'), 86_400_000);
  assert.equal(parseDuration(0.5), 500);
  assert.equal(parseDuration('soon'), undefined);
});
