import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAuthority, parseAuthority } from '../../src/routing/host.ts';

test('T17: every spelling of a host has one normal form', () => {
  const forms: [string, string, number | undefined][] = [
    ['a.test', 'a.test', undefined],
    ['A.TEST', 'a.test', undefined],
    ['a.test.', 'a.test', undefined],
    ['a.test:443', 'a.test', 443],
    ['A.Test.:8443', 'a.test', 8443],
    ['a.test:', 'a.test', undefined],
    ['127.0.0.1:9443', '127.0.0.1', 9443],
    ['[::1]', '::1', undefined],
    ['[0:0:0:0:0:0:0:1]:9443', '::1', 9443],
    ['[2001:DB8::A]', '2001:db8::a', undefined],
    ['xn--bcher-kva.test', 'xn--bcher-kva.test', undefined],
    ['under_score.test', 'under_score.test', undefined],
  ];
  for (const [text, host, port] of forms) assert.deepEqual(parseAuthority(text), { host, port }, text);
});

test('T17: what is no host, or not in the form of the wire, has none', () => {
  const refused = [
    '',
    '.',
    'a..test',
    'a.test..',
    'bücher.test',
    'user@a.test',
    'a.test:99999',
    'a.test:0',
    'a.test:8a',
    'a.test:1:2',
    'a.test/x',
    'a.test, b.test',
    'a test',
    '%61.test',
    '::1',
    '[::1',
    '[::1%25eth0]',
    '[::g]',
    '0x7f.1',
    '127.1',
    '2130706433',
    '-a.test',
    '*.test',
    `${'a'.repeat(64)}.test`,
    `${'a.'.repeat(127)}test`,
  ];
  for (const text of refused) assert.equal(parseAuthority(text), undefined, text);
});

test('an authority is written as a Host field has it', () => {
  assert.equal(formatAuthority({ host: '::1', port: 8443 }), '[::1]:8443');
  assert.equal(formatAuthority({ host: 'a.test', port: undefined }), 'a.test');
});
