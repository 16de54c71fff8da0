import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nameSet, namesNotProven, parseTypedName } from '../../src/domain/names.ts';
import type { TypedName } from '../../src/domain/names.ts';

function value(type: TypedName['type'], text: string): string | undefined {
  const name = parseTypedName(type, text);
  return 'malformed' in name ? undefined : name.value;
}

describe('parseTypedName', () => {
  it('gives every name one normal form', () => {
    assert.equal(value('dns', 'API.Example'), 'api.example');
    assert.equal(value('dns', '*.Example.org'), '*.example.org');
    assert.equal(value('ip', '2001:DB8:0:0::1'), '2001:db8::1');
    assert.equal(value('email', 'Some.One@Example.ORG'), 'Some.One@example.org');
    assert.equal(value('uri', 'HTTPS://host/Path'), 'https://host/Path');
    assert.equal(value('uri', 'spiffe://td.example/ns/a/sa/b'), 'spiffe://td.example/ns/a/sa/b');
    assert.equal(value('cn', 'Jose\u0301'), 'José');
  });

  const malformed: Record<TypedName['type'], readonly string[]> = {
    dns: [
      '',
      '.',
      'a..b',
      'a.',
      '.a',
      '-a.example',
      'a-.example',
      'a b',
      'a\0.example',
      'bücher.example',
      '*',
      '*.example',
      'a.*.example',
      'a*.example.org',
      '*.*.example',
      '10.0.0.1',
      'a,b.example',
      'a/b',
      `${'a'.repeat(64)}.example`,
      `${'a.'.repeat(127)}toolong`,
    ],
    ip: [
      '',
      '10.0.0',
      '10.0.0.256',
      '010.0.0.1',
      '10.0.0.0/8',
      'fe80::1%eth0',
      '::ffff:10.0.0.1',
      '::ffff:a00:1',
      'localhost',
      '[::1]',
    ],
    email: [
      '',
      'a',
      '@b.example',
      'a@',
      'a@b@c d',
      '"a b"@c.example',
      'a@*.example.org',
      'a@b.example\n',
      'ä@b.example',
      '.a@b.example',
    ],
    uri: [
      '',
      '/path',
      'a.example',
      ':x',
      'http:',
      'http://',
      'http://a b',
      'http://a\0',
      'http://ä',
      'http://a/%zz',
      'spiffe://',
      'spiffe://TD/x',
      'spiffe://td/a/../b',
      'spiffe://td/a//b',
      'spiffe://td/a/',
      'spiffe://td:80/a',
      'spiffe://u@td/a',
      'spiffe://td/a?q',
      'spiffe://td/a%2Fb',
      `http://a/${'x'.repeat(2048)}`,
    ],
    cn: ['', ' a', 'a ', 'a\nb', 'a\0', 'x'.repeat(65), 'a\u202eb', 'a\u200bb', '\ud800'],
  };
  for (const [type, texts] of Object.entries(malformed)) {
    it(`refuses what is no ${type}`, () => {
      for (const text of texts) assert.equal(value(type as TypedName['type'], text), undefined, JSON.stringify(text));
    });
  }
});

describe('namesNotProven', () => {
  const dns = (text: string): TypedName => ({ type: 'dns', value: text });

  it('never compares names of different types', () => {
    const proven = nameSet([{ type: 'cn', value: '10.0.0.1' }, dns('a.example')]);
    const wanted = nameSet([{ type: 'ip', value: '10.0.0.1' }, { type: 'cn', value: 'a.example' }, dns('a.example')]);
    assert.deepEqual(
      namesNotProven(wanted, proven).map(({ type }) => type),
      ['ip', 'cn'],
    );
  });

  it('lets a wildcard prove itself only, and nothing prove a wildcard', () => {
    assert.equal(namesNotProven(nameSet([dns('a.example.org')]), nameSet([dns('*.example.org')])).length, 1);
    assert.equal(
      namesNotProven(nameSet([dns('*.example.org')]), nameSet([dns('a.example.org'), dns('example.org')])).length,
      1,
    );
    assert.equal(namesNotProven(nameSet([dns('*.example.org')]), nameSet([dns('*.example.org')])).length, 0);
  });
});
