// Keys that few have: Ed448 (RFC 8410) and SLH-DSA (RFC 9909), which count, and keys that nobody here knows, which are refused.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { test } from 'node:test';

import {
  algorithmIdentifier,
  assembleSigned,
  buildAndValidate,
  der,
  encodeExtension,
  parseCertificate,
  parsePublicKeyInfo,
  PkiError,
  refusalOf,
  schemeAlgorithm,
  signatureScheme,
  SLH_DSA_SETS,
  trustAnchor,
  type Certificate,
} from '@countersign/pki';
import { nodeCrypto, nodeSigner, spkiOf } from '@countersign/trust';

import { caExtensions, forge, forgeCa, named, newKey, NOW, type Forged } from '../path/support/forge.ts';

const DAY = 86_400_000;
const EDWARDS = '1.3.101.113';

/** A certificate by a CA with any kind of key. */
async function certified(
  name: string,
  subject: KeyObject,
  issuer: string,
  by: KeyObject,
  ca: boolean,
): Promise<Certificate> {
  const signer = nodeSigner(by);
  const spki = spkiOf(subject);
  const pair = { spki, privateKey: subject, id: Uint8Array.of(1) };
  const extensions = ca ? caExtensions(pair, pair).slice(0, 2).map(encodeExtension) : [];
  const tbs = der.sequence(
    der.explicit(0, der.integer(2)),
    der.integer(7),
    schemeAlgorithm(signer.scheme).der,
    named(issuer).der,
    der.sequence(der.time(NOW - DAY), der.time(NOW + DAY)),
    named(name).der,
    spki,
    extensions.length === 0 ? undefined : der.explicit(3, der.sequence(...extensions)),
  );
  return parseCertificate(assembleSigned(tbs, signer.scheme, await signer.sign(tbs)));
}

const validate = (leaf: Certificate, intermediates: readonly Certificate[], root: Certificate) =>
  buildAndValidate(leaf, {
    anchors: [trustAnchor(root)],
    intermediates,
    time: NOW,
    purpose: 'any',
    crypto: nodeCrypto,
  });

for (const kind of ['ed448', 'slh-dsa-sha2-128f', 'slh-dsa-shake-128f'] as const) {
  test(`a chain of ${kind} keys is verified, and a changed signature is not`, async () => {
    const make = (): KeyObject => generateKeyPairSync(kind as 'ed448').privateKey;
    const [rootKey, leafKey] = [make(), make()];
    const root = await certified('Root', rootKey, 'Root', rootKey, true);
    const leaf = await certified('leaf', leafKey, 'Root', rootKey, false);
    assert.equal(validate(leaf, [], root).ok, true);
    const forged = Uint8Array.from(leaf.der);
    forged[forged.length - 20] = (forged[forged.length - 20] as number) ^ 1;
    const result = validate(parseCertificate(forged), [], root);
    assert.equal(!result.ok && refusalOf(result.code), 'untrusted_issuer');
  });
}

test('each parameter set of SLH-DSA has the object identifier that OpenSSL gives it, and a key of its length', () => {
  // The small sets make keys as slowly as they sign; those of the fast ones have the same form.
  for (const set of SLH_DSA_SETS.filter((name) => name.endsWith('f'))) {
    const { publicKey } = generateKeyPairSync(`slh-dsa-${set}` as 'ed448');
    const spki = parsePublicKeyInfo(spkiOf(publicKey));
    assert.deepEqual(spki.key, { type: 'slh-dsa', parameterSet: set });
    assert.equal(signatureScheme(spki.algorithm), `slh-dsa-${set}`);
    for (const bits of [spki.bits.subarray(1), Uint8Array.of(...spki.bits, 0)]) {
      const other = der.sequence(spki.algorithm.der, der.bitString(bits));
      assert.throws(
        () => parsePublicKeyInfo(other),
        (error) => error instanceof PkiError && error.code === 'key_malformed',
      );
    }
    const withParameters = algorithmIdentifier(spki.algorithm.oid, der.nullValue());
    assert.throws(() => parsePublicKeyInfo(der.sequence(withParameters.der, der.bitString(spki.bits))), PkiError);
    assert.equal(signatureScheme(withParameters), undefined);
  }
  const all = new Set(SLH_DSA_SETS.map((set) => schemeAlgorithm(`slh-dsa-${set}`).oid));
  assert.equal(all.size, 12);
  // RFC 9909 section 3: the pre-hashed forms are other algorithms, and none of those that count.
  for (let arc = 35; arc <= 46; arc++) {
    assert.equal(signatureScheme(algorithmIdentifier(`2.16.840.1.101.3.4.3.${arc}`)), undefined);
  }
});

test('an Ed448 key of another length, or with parameters, is malformed', () => {
  const { bits } = parsePublicKeyInfo(spkiOf(generateKeyPairSync('ed448').publicKey));
  for (const spki of [
    der.sequence(der.sequence(der.oid(EDWARDS)), der.bitString(bits.subarray(1))),
    der.sequence(der.sequence(der.oid(EDWARDS), der.nullValue()), der.bitString(bits)),
  ]) {
    assert.throws(() => parsePublicKeyInfo(spki), PkiError);
  }
});

test('an Ed448 signature is none of Ed25519, nor the other way round', async () => {
  const [small, large] = [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed448').privateKey];
  const root = await certified('Root', large, 'Root', large, true);
  const leaf = await certified('leaf', large, 'Root', small, false);
  // Whoever made it: not the holder of this key.
  const result = validate(leaf, [], root);
  assert.equal(!result.ok && refusalOf(result.code), 'untrusted_issuer');
});

// Keys that the validator does not know: of a key agreement, of algorithms to come, of an invented one.
const unknownKeys: Readonly<Record<string, Uint8Array>> = {
  X25519: spkiOf(generateKeyPairSync('x25519').publicKey),
  X448: spkiOf(generateKeyPairSync('x448').publicKey),
  'ML-KEM': spkiOf(generateKeyPairSync('ml-kem-768' as 'x25519').publicKey),
  'an invented algorithm': der.sequence(der.sequence(der.oid('1.2.3.4')), der.bitString(Uint8Array.of(1, 2, 3))),
  'pre-hashed SLH-DSA': der.sequence(
    der.sequence(der.oid('2.16.840.1.101.3.4.3.35')),
    der.bitString(new Uint8Array(32)),
  ),
};

for (const [name, spki] of Object.entries(unknownKeys)) {
  test(`a key of ${name} is a clear refusal in a leaf, in a CA and in a trust anchor, never a throw and never a pass`, () => {
    const root = forgeCa('Root');
    const known = newKey();
    const strange = { ...known, spki };
    const leaf = forge({ name: 'leaf', by: root, key: strange });
    const refused = validate(leaf.cert, [], root.cert);
    assert.equal(refused.ok, false);
    assert.equal(!refused.ok && refused.code, 'key_refused');
    assert.equal(!refused.ok && refusalOf(refused.code), 'weak_key');

    // Nobody can check what stands below such a key.
    const ca: Forged = forgeCa('Strange CA', root, { key: strange });
    const below = forge({ name: 'below', by: ca });
    const beneath = validate(below.cert, [ca.cert], root.cert);
    assert.equal(!beneath.ok && refusalOf(beneath.code), 'weak_key');

    const anchor = forgeCa('Strange Root', undefined, { key: strange });
    const direct = validate(forge({ name: 'direct', by: anchor }).cert, [], anchor.cert);
    assert.equal(!direct.ok && refusalOf(direct.code), 'weak_key');
  });
}

test('a signature of an unknown algorithm is a clear refusal', () => {
  const root = forgeCa('Root');
  const key = newKey();
  const algorithm = algorithmIdentifier('1.2.3.4');
  const tbs = der.sequence(
    der.explicit(0, der.integer(2)),
    der.integer(9),
    algorithm.der,
    root.cert.subject.der,
    der.sequence(der.time(NOW - DAY), der.time(NOW + DAY)),
    named('leaf').der,
    key.spki,
  );
  const signature = new Uint8Array(sign('sha256', tbs, root.key.privateKey));
  const leaf = parseCertificate(der.sequence(tbs, algorithm.der, der.bitString(signature)));
  const result = validate(leaf, [], root.cert);
  assert.equal(!result.ok && result.code, 'algorithm_refused');
  assert.equal(!result.ok && refusalOf(result.code), 'weak_key');
});
