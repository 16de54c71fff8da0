import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  basicConstraints,
  buildAndValidate,
  createSignatureCache,
  extendedKeyUsage,
  keyUsage,
  nameConstraints,
  OID,
  refusalOf,
  subjectAltName,
  type Certificate,
  type PathOptions,
  type PathResult,
} from '../../src/index.ts';
import { anchorsOf, countingCrypto, forge, forgeCa, newKey, NOW, type Forged } from './support/forge.ts';

const root = forgeCa('Root');
const issuing = forgeCa('Issuing', root);
const leaf = forge({ name: 'leaf', by: issuing, extensions: [extendedKeyUsage([OID.clientAuth])] });

function validate(subject: Forged, intermediates: readonly Forged[], options: Partial<PathOptions> = {}): PathResult {
  return buildAndValidate(subject.cert, {
    anchors: anchorsOf(root),
    intermediates: intermediates.map(({ cert }) => cert),
    time: NOW,
    crypto: countingCrypto(),
    purpose: 'client',
    ...options,
  });
}

function assertRefused(result: PathResult, code: string, at?: Certificate): void {
  assert.equal(result.ok ? 'ok' : result.code, code);
  if (at !== undefined) assert.equal(!result.ok && result.at, at);
}

describe('a path', () => {
  test('is the leaf first and the anchor last, with one signature check a step', () => {
    const crypto = countingCrypto();
    const result = validate(leaf, [issuing], { crypto });
    assert.ok(result.ok);
    assert.deepEqual(result.path, [leaf.cert, issuing.cert, root.cert]);
    assert.equal(crypto.checks, 2);
  });

  test('is found whatever the order, the duplicates and the strangers in the bag', () => {
    const deep = forgeCa('Deep', issuing);
    const end = forge({ name: 'end', by: deep });
    const bag = [forgeCa('Stranger'), deep, forgeCa('Other', root), issuing, deep, root];
    const result = validate(end, bag);
    assert.ok(result.ok);
    assert.deepEqual(result.path, [end.cert, deep.cert, issuing.cert, root.cert]);
  });

  test('of a certificate that is a trust anchor itself is that certificate alone', () => {
    const result = validate(leaf, [], { anchors: anchorsOf(leaf) });
    assert.ok(result.ok);
    assert.deepEqual(result.path, [leaf.cert]);
  });

  test('ends at an anchor that is not self-signed', () => {
    const result = validate(leaf, [], { anchors: anchorsOf(issuing) });
    assert.ok(result.ok);
    assert.deepEqual(result.path, [leaf.cert, issuing.cert]);
  });

  test('goes around an expired cross-certificate', () => {
    const oldRoot = forgeCa('Old Root');
    const key = newKey();
    const crossed = forgeCa('Crossed', oldRoot, { key, notAfter: NOW - 1000 });
    const current = forgeCa('Crossed', root, { key });
    const end = forge({ name: 'end', by: current });
    for (const bag of [
      [crossed, current],
      [current, crossed],
    ]) {
      const result = validate(end, bag, { anchors: anchorsOf(oldRoot, root) });
      assert.ok(result.ok);
      assert.equal(result.path[1], current.cert);
    }
  });

  test('tells issuers of one name and different keys apart without key identifiers', () => {
    const bare = [basicConstraints({ ca: true })];
    const many = Array.from({ length: 12 }, () => forge({ name: 'Twin', by: root, extensions: bare }));
    const end = forge({ name: 'end', by: many[7]! });
    const crypto = countingCrypto();
    const result = validate(end, many, { crypto });
    assert.ok(result.ok);
    assert.equal(result.path[1], many[7]!.cert);
    assert.ok(crypto.checks <= 13, `${crypto.checks} checks`);
  });
});

describe('a refusal', () => {
  test('names the certificate and keeps the order of the contract', () => {
    const expired = forge({
      name: 'x',
      by: issuing,
      notAfter: NOW - 1000,
      extensions: [extendedKeyUsage([OID.serverAuth])],
    });
    assertRefused(validate(expired, [issuing]), 'expired', expired.cert);
    assertRefused(validate(expired, []), 'no_issuer', expired.cert);
    const early = forge({ name: 'x', by: issuing, notBefore: NOW + 1000 });
    assertRefused(validate(early, [issuing]), 'not_yet_valid', early.cert);
    const server = forge({ name: 'x', by: issuing, extensions: [extendedKeyUsage([OID.serverAuth])] });
    assertRefused(validate(server, [issuing]), 'extended_key_usage', server.cert);
  });

  test('comes for a forged issuer of the right name', () => {
    const forged = forgeCa('Issuing', root, { key: newKey() });
    const impostor = forge({ name: 'leaf', by: { cert: issuing.cert, key: newKey() } });
    assertRefused(validate(impostor, [issuing, forged]), 'signature_invalid', impostor.cert);
  });

  test('comes for an issuer that is no CA', () => {
    const end = forge({ name: 'under a leaf', by: leaf });
    const result = validate(end, [leaf, issuing]);
    assertRefused(result, 'not_a_ca', leaf.cert);
    assert.ok(!result.ok);
    assert.equal(refusalOf(result.code), 'constraint_violated');
    assert.equal(result.attempts[0]?.at, leaf.cert);
  });

  test('comes for a CA that may not sign certificates, and for one beyond a path length', () => {
    const mute = forge({ name: 'Mute', by: root, extensions: [basicConstraints({ ca: true }), keyUsage(['cRLSign'])] });
    assertRefused(validate(forge({ name: 'x', by: mute }), [mute]), 'ca_key_usage', mute.cert);
    const short = forgeCa('Short', root, { pathLen: 0 });
    const below = forgeCa('Below', short);
    assertRefused(validate(forge({ name: 'x', by: below }), [below, short]), 'path_length', short.cert);
    const same = forgeCa('Short', short, { key: newKey() });
    assert.ok(validate(forge({ name: 'x', by: same }), [same, short]).ok, 'self-issued certificates do not count');
  });

  test('comes for a name outside the constraints of any CA above', () => {
    const constrained = forgeCa('Constrained', root, {
      extensions: [nameConstraints({ permitted: [{ type: 'dns', value: 'example.com' }] })],
    });
    const inside = forge({
      name: 'x',
      by: constrained,
      extensions: [subjectAltName([{ type: 'dns', value: 'a.example.com' }])],
    });
    const outside = forge({
      name: 'x',
      by: constrained,
      extensions: [subjectAltName([{ type: 'dns', value: 'example.org' }])],
    });
    assert.ok(validate(inside, [constrained]).ok);
    assertRefused(validate(outside, [constrained]), 'name_constraints', constrained.cert);
  });

  test('comes for an unknown critical extension, wherever it is', () => {
    const unknown = { oid: '1.3.6.1.4.1.55738.666.1', critical: true, value: Uint8Array.of(5, 0) };
    const end = forge({ name: 'x', by: issuing, extensions: [unknown] });
    assertRefused(validate(end, [issuing]), 'critical_extension', end.cert);
    const odd = forgeCa('Odd', root, { extensions: [unknown] });
    assertRefused(validate(forge({ name: 'x', by: odd }), [odd]), 'critical_extension', odd.cert);
  });
});

describe('algorithms', () => {
  const old = forge({ name: 'old', by: issuing, scheme: 'ecdsa-sha1' });

  test('of yesterday are refused as such, and only where the chain is genuine', () => {
    assertRefused(validate(old, [issuing]), 'algorithm_refused', old.cert);
    const forged = forge({ name: 'old', by: { cert: issuing.cert, key: newKey() }, scheme: 'ecdsa-sha1' });
    assertRefused(validate(forged, [issuing]), 'no_issuer', forged.cert);
  });

  test('of yesterday verify under legacy', () => {
    assert.ok(validate(old, [issuing], { algorithms: 'legacy' }).ok);
  });

  test('of yesterday on the trust anchor itself do not matter: nobody checks that signature', () => {
    const oldRoot = forgeCa('Old Root', undefined, { scheme: 'ecdsa-sha1' });
    assert.ok(validate(forge({ name: 'x', by: oldRoot }), [], { anchors: anchorsOf(oldRoot) }).ok);
  });
});

describe('the work for one chain', () => {
  test('is bounded when certificates sign each other in every direction', () => {
    const key = newKey();
    const names = Array.from({ length: 12 }, (_, i) => `CA ${i}`);
    const signer = { cert: forgeCa('CA 0', undefined, { key }).cert, key };
    const mesh = names.flatMap((name) =>
      names.filter((issuer) => issuer !== name).map((issuerName) => forgeCa(name, signer, { key, issuerName })),
    );
    const end = forge({ name: 'end', by: signer });
    const crypto = countingCrypto();
    assertRefused(validate(end, mesh, { crypto }), 'no_issuer');
    assert.ok(crypto.checks <= 8, `${crypto.checks} checks`);
    const withWayOut = [...mesh, forgeCa('CA 11', root, { key })];
    const counted = countingCrypto();
    assert.ok(validate(end, withWayOut, { crypto: counted }).ok);
    assert.ok(counted.checks <= 128, `${counted.checks} checks`);
  });

  test('is bounded when every level has two keys and the last word is no', () => {
    const strict = forgeCa('Strict', undefined, {
      extensions: [nameConstraints({ excluded: [{ type: 'dns', value: 'example.com' }] })],
    });
    const bag: Forged[] = [];
    let above = [strict];
    for (let level = 0; level < 12; level += 1) {
      const keys = [newKey(), newKey()];
      const next = keys.flatMap((key) => above.map((by) => forgeCa(`Level ${level}`, by, { key })));
      bag.push(...next);
      above = [next[0]!, next.at(-1)!];
    }
    const end = forge({
      name: '',
      by: above[0]!,
      extensions: [subjectAltName([{ type: 'dns', value: 'a.example.com' }])],
    });
    const crypto = countingCrypto();
    assertRefused(validate(end, bag, { crypto, anchors: anchorsOf(strict) }), 'name_constraints', strict.cert);
    assert.ok(crypto.checks <= 128, `${crypto.checks} checks`);
  });

  test('is little when a mesh leads to the name of a trust anchor and not to its key', () => {
    const key = newKey();
    const names = Array.from({ length: 10 }, (_, i) => `CA ${i}`);
    const signer = { cert: forgeCa('CA 0', undefined, { key }).cert, key };
    const mesh = names.flatMap((name) =>
      names.filter((issuer) => issuer !== name).map((issuerName) => forgeCa(name, signer, { key, issuerName })),
    );
    const crypto = countingCrypto();
    assertRefused(
      validate(forge({ name: 'end', by: signer }), mesh, { crypto, anchors: anchorsOf(forgeCa('CA 5')) }),
      'no_issuer',
    );
    assert.ok(crypto.checks <= 32, `${crypto.checks} checks`);
  });

  test('ends with a budget that is told', () => {
    const bare = [basicConstraints({ ca: true })];
    const many = Array.from({ length: 6 }, () => forge({ name: 'Twin', by: root, extensions: bare }));
    const end = forge({ name: 'end', by: { cert: many[0]!.cert, key: newKey() } });
    assertRefused(validate(end, many, { budget: { signatures: 3 } }), 'budget_exhausted');
  });

  test('is not done twice with a cache, and the cache does not mistake keys', () => {
    const crypto = countingCrypto();
    const signatures = createSignatureCache(crypto, 16);
    assert.ok(validate(leaf, [issuing], { crypto, signatures }).ok);
    assert.ok(validate(leaf, [issuing], { crypto, signatures }).ok);
    assert.equal(crypto.checks, 2);
    const impostor = forgeCa('Issuing', root);
    assertRefused(validate(leaf, [impostor], { crypto, signatures }), 'signature_invalid');
  });
});
