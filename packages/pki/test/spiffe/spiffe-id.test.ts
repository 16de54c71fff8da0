import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseSpiffeId, spiffeIdWithin } from '../../src/spiffe/spiffe-id.ts';

describe('SPIFFE IDs', () => {
  const good: [string, string, string][] = [
    ['spiffe://example.org', 'example.org', ''],
    ['spiffe://example.org/a', 'example.org', '/a'],
    ['spiffe://example.org/ns/prod/sa/Api_1.2-x', 'example.org', '/ns/prod/sa/Api_1.2-x'],
    ['spiffe://my_domain-1/...', 'my_domain-1', '/...'],
    [`spiffe://${'d'.repeat(255)}/a`, 'd'.repeat(255), '/a'],
    [`spiffe://t/${'a'.repeat(2037)}`, 't', `/${'a'.repeat(2037)}`],
  ];
  for (const [uri, trustDomain, path] of good) {
    test(`accepted: ${uri.slice(0, 60)}`, () => {
      assert.deepEqual(parseSpiffeId(uri), { ok: true, id: { uri, trustDomain, path } });
    });
  }

  const bad: [string, string][] = [
    ['', 'spiffe_scheme'],
    ['https://example.org/a', 'spiffe_scheme'],
    ['SPIFFE://example.org/a', 'spiffe_scheme'],
    ['spiffe:/example.org/a', 'spiffe_scheme'],
    ['spiffe:///a', 'spiffe_trust_domain_missing'],
    ['spiffe://', 'spiffe_trust_domain_missing'],
    ['spiffe://Example.org/a', 'spiffe_trust_domain_character'],
    ['spiffe://user@example.org/a', 'spiffe_trust_domain_character'],
    ['spiffe://example.org:443/a', 'spiffe_trust_domain_character'],
    ['spiffe://example.org?q=1', 'spiffe_trust_domain_character'],
    ['spiffe://example.org#f', 'spiffe_trust_domain_character'],
    ['spiffe://bücher.example/a', 'spiffe_trust_domain_character'],
    ['spiffe://example.org%2Fa', 'spiffe_trust_domain_character'],
    ['spiffe://[::1]/a', 'spiffe_trust_domain_character'],
    ['spiffe://example.org\0/a', 'spiffe_trust_domain_character'],
    [`spiffe://${'d'.repeat(256)}/a`, 'spiffe_trust_domain_too_long'],
    ['spiffe://example.org/', 'spiffe_path_empty_segment'],
    ['spiffe://example.org/a/', 'spiffe_path_empty_segment'],
    ['spiffe://example.org//a', 'spiffe_path_empty_segment'],
    ['spiffe://example.org/./a', 'spiffe_path_dot_segment'],
    ['spiffe://example.org/a/..', 'spiffe_path_dot_segment'],
    ['spiffe://example.org/a?b=c', 'spiffe_path_character'],
    ['spiffe://example.org/a#b', 'spiffe_path_character'],
    ['spiffe://example.org/a%2Fb', 'spiffe_path_character'],
    ['spiffe://example.org/%2e%2e/a', 'spiffe_path_character'],
    ['spiffe://example.org/a b', 'spiffe_path_character'],
    ['spiffe://example.org/a\n', 'spiffe_path_character'],
    ['spiffe://example.org/ä', 'spiffe_path_character'],
    [`spiffe://t/${'a'.repeat(2038)}`, 'spiffe_too_long'],
  ];
  for (const [uri, code] of bad) {
    test(`refused with ${code}: ${JSON.stringify(uri.slice(0, 50))}`, () => {
      assert.deepEqual(parseSpiffeId(uri), { ok: false, code });
    });
  }

  test('a prefix covers whole segments of its own trust domain only', () => {
    const id = (uri: string) => {
      const result = parseSpiffeId(uri);
      assert.ok(result.ok);
      return result.id;
    };
    const prefix = id('spiffe://example.org/billing');
    assert.ok(spiffeIdWithin(id('spiffe://example.org/billing'), prefix));
    assert.ok(spiffeIdWithin(id('spiffe://example.org/billing/payments'), prefix));
    assert.ok(!spiffeIdWithin(id('spiffe://example.org/billing2'), prefix));
    assert.ok(!spiffeIdWithin(id('spiffe://example.org'), prefix));
    assert.ok(!spiffeIdWithin(id('spiffe://example.com/billing'), prefix));
    assert.ok(spiffeIdWithin(prefix, id('spiffe://example.org')));
  });
});
