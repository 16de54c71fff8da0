import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyCertificate, compileAllow, type RuleIdentity } from '../../src/config/allow.ts';
import type { AllowEntry } from '../../src/config/schema.ts';

const hash = 'ab'.repeat(32);

function identity(extra: Partial<RuleIdentity>): RuleIdentity {
  return { name: undefined, profile: undefined, sans: [], spkiSha256: hash, ...extra };
}
function admits(entry: AllowEntry, who: Partial<RuleIdentity>): boolean {
  const compiled = compileAllow([entry]);
  assert.ok(compiled.ok, 'the rule compiles');
  return compiled.rule(identity(who));
}
const san = (type: string, value: unknown) => ({ sans: [{ type, value }] });

test('names are compared whole, and only with names of their own type', () => {
  assert.ok(admits({ dns: 'a.test' }, san('dns', 'A.test')));
  assert.equal(admits({ dns: 'a.test' }, san('uri', 'a.test')), false);
  assert.equal(admits({ dns: 'a.test' }, san('dns', 'xa.test')), false);
  assert.equal(admits({ dns: 'good.test' }, san('dns', 'evil.test, DNS:good.test')), false);
  assert.equal(admits({ dns: 'a.test' }, san('dns', 'a.test\0.evil')), false);
  assert.ok(admits({ email: 'Bob@Example.com' }, san('email', 'Bob@example.COM')));
  assert.equal(admits({ email: 'bob@example.com' }, san('email', 'Bob@example.com')), false);
  assert.equal(admits({ email: 'bob@example.com' }, san('uri', 'bob@example.com')), false);
  assert.ok(admits({ name: 'alice' }, { name: 'alice' }));
  assert.equal(admits({ name: 'alice' }, { name: 'Alice' }), false);
  assert.equal(admits({ name: 'alice' }, {}), false);
});

test('a leading wildcard stands for exactly one label, and a wildcard in the certificate names nobody', () => {
  assert.ok(admits({ dns: '*.a.test' }, san('dns', 'x.a.test')));
  assert.equal(admits({ dns: '*.a.test' }, san('dns', 'a.test')), false);
  assert.equal(admits({ dns: '*.a.test' }, san('dns', 'y.x.a.test')), false);
  assert.equal(admits({ dns: '*.a.test' }, san('dns', '*.a.test')), false);
  assert.equal(compileAllow([{ dns: 'x.*.test' }]).ok, false);
  assert.equal(compileAllow([{ dns: '*' }]).ok, false);
});

test('a SPIFFE prefix ends at a segment and takes only well-formed ids', () => {
  const rule = { uri: 'spiffe://td/ns/*' };
  assert.ok(admits(rule, san('uri', 'spiffe://td/ns/web')));
  for (const id of [
    'spiffe://td/ns',
    'spiffe://td/ns/',
    'spiffe://td/nsx/web',
    'spiffe://td/ns/../admin',
    'spiffe://td/ns/a?b',
  ]) {
    assert.equal(admits(rule, san('uri', id)), false, id);
  }
  for (const id of [
    'spiffe://td/ns/a%2Fb',
    'spiffe://TD/ns/a',
    'spiffe://td:1/ns/a',
    `spiffe://td/ns/${'a'.repeat(2048)}`,
  ]) {
    assert.equal(admits(rule, san('uri', id)), false, id.slice(0, 40));
  }
  const two = {
    sans: [
      { type: 'uri', value: 'spiffe://td/ns/a' },
      { type: 'uri', value: 'spiffe://td/ns/b' },
    ],
  };
  assert.equal(admits(rule, two), false);
  assert.equal(compileAllow([{ uri: 'https://a.test/*' }]).ok, false);
});

test('certificates of profile admin count only where the entry names that profile', () => {
  const admin = { profile: 'admin', name: 'root' };
  assert.equal(anyCertificate(identity(admin)), false);
  assert.equal(admits({ name: 'root' }, admin), false);
  assert.ok(admits({ name: 'root', profile: 'admin' }, admin));
  assert.ok(admits({ profile: 'admin' }, admin));
  assert.equal(admits({ name: 'root', profile: 'admin' }, { name: 'root' }), false);
});

test('all properties of an entry must hold, any entry is enough', () => {
  assert.equal(admits({ name: 'a', dns: 'a.test' }, { name: 'a' }), false);
  const either = compileAllow([{ name: 'a' }, { name: 'b' }]);
  assert.ok(either.ok && either.rule(identity({ name: 'b' })));
});

test('key hashes are read in hex, with colons and in base64; others are refused', () => {
  const colons = hash.match(/../gu)?.join(':').toUpperCase() ?? '';
  for (const text of [hash, colons, Buffer.from(hash, 'hex').toString('base64')])
    assert.ok(admits({ spkiSha256: text }, {}), text);
  assert.equal(admits({ spkiSha256: 'cd'.repeat(32) }, {}), false);
  assert.equal(compileAllow([{ spkiSha256: 'abcd' }]).ok, false);
  assert.ok(admits({ issuer: hash }, { issuerKeyHash: hash }));
  assert.ok(admits({ issuer: 'CN=CA' }, { issuer: 'CN=CA' }));
  assert.equal(admits({ issuer: 'CN=CA' }, { issuer: 'CN=CA,O=x' }), false);
});
