import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  algorithmIdentifier,
  der,
  fromHex,
  isLegacyScheme,
  isStrongKey,
  LEGACY_SCHEMES,
  MODERN_SCHEMES,
  OID,
  parsePublicKeyInfo,
  PkiError,
  pssSaltLength,
  schemeAlgorithm,
  schemeFitsKey,
  signatureScheme,
  verifySignature,
} from '@countersign/pki';
import type { AlgorithmIdentifier, PublicKeyKind, SignatureScheme } from '@countersign/pki';
import { generateKeyPair, nodeCrypto, nodeSigner, spkiOf } from '@countersign/trust';
import { constants, generateKeyPairSync, sign } from 'node:crypto';

const nul = der.nullValue();

test('every scheme has an algorithm identifier of its own that is read back as the scheme', () => {
  const seen = new Set<string>();
  for (const scheme of [...MODERN_SCHEMES, ...LEGACY_SCHEMES]) {
    const algorithm = schemeAlgorithm(scheme);
    assert.equal(signatureScheme(algorithm), scheme);
    seen.add(Buffer.from(algorithm.der).toString('hex'));
  }
  assert.equal(seen.size, MODERN_SCHEMES.length + LEGACY_SCHEMES.length);
  assert.deepEqual([...MODERN_SCHEMES, ...LEGACY_SCHEMES].filter(isLegacyScheme), [...LEGACY_SCHEMES]);
});

test('RSASSA-PKCS1-v1_5 takes the parameters NULL or none, the others none', () => {
  const scheme = (oid: string, parameters?: Uint8Array): SignatureScheme | undefined =>
    signatureScheme(algorithmIdentifier(oid, parameters));
  assert.equal(scheme('1.2.840.113549.1.1.11'), 'rsa-pkcs1-sha256');
  assert.equal(scheme('1.2.840.113549.1.1.11', nul), 'rsa-pkcs1-sha256');
  assert.equal(scheme('1.2.840.113549.1.1.11', der.sequence()), undefined);
  for (const oid of ['1.2.840.10045.4.3.2', OID.ed25519, OID.mlDsa44, '1.2.840.10040.4.3']) {
    assert.notEqual(scheme(oid), undefined);
    assert.equal(scheme(oid, nul), undefined);
  }
  assert.equal(scheme('1.2.840.113549.1.1.2'), undefined);
});

const digest = (oid: string, parameters: Uint8Array | undefined = nul): Uint8Array =>
  der.sequence(der.oid(oid), parameters);
const pss = (...fields: readonly Uint8Array[]): AlgorithmIdentifier =>
  algorithmIdentifier(OID.rsassaPss, der.sequence(...fields));
const hash = der.explicit(0, digest(OID.sha256));
const mask = der.explicit(1, der.sequence(der.oid(OID.mgf1), digest(OID.sha256)));
const salt = der.explicit(2, der.integer(32));

test('RSASSA-PSS parameters are read strictly', () => {
  assert.equal(signatureScheme(pss(hash, mask, salt)), 'rsa-pss-sha256');
  // RFC 4055 section 2.1: a digest’s parameters may be left out.
  const bare = digest(OID.sha256, new Uint8Array(0));
  assert.equal(
    signatureScheme(pss(der.explicit(0, bare), der.explicit(1, der.sequence(der.oid(OID.mgf1), bare)), salt)),
    'rsa-pss-sha256',
  );
  assert.equal(signatureScheme(pss()), 'rsa-pss-sha1');
  const refused: Readonly<Record<string, AlgorithmIdentifier>> = {
    'no parameters': algorithmIdentifier(OID.rsassaPss),
    NULL: algorithmIdentifier(OID.rsassaPss, nul),
    'another digest in MGF1': pss(hash, der.explicit(1, der.sequence(der.oid(OID.mgf1), digest(OID.sha384))), salt),
    'SHA-1 in MGF1': pss(hash, salt),
    'another mask': pss(hash, der.explicit(1, der.sequence(der.oid('1.2.3'), digest(OID.sha256))), salt),
    'a negative salt length': pss(hash, mask, der.explicit(2, der.integer(-1))),
    'the default salt length spelled out': pss(der.explicit(2, der.integer(20))),
    'the default digest spelled out': pss(der.explicit(0, digest(OID.sha1))),
    'the default trailer spelled out': pss(hash, mask, salt, der.explicit(3, der.integer(1))),
    'another trailer': pss(hash, mask, salt, der.explicit(3, der.integer(2))),
    'fields out of order': pss(mask, hash, salt),
    'an unknown digest': pss(der.explicit(0, digest('1.2.3')), mask, salt),
    'digest parameters': pss(der.explicit(0, digest(OID.sha256, der.integer(1))), mask, salt),
    'octets behind': algorithmIdentifier(OID.rsassaPss, Uint8Array.of(...der.sequence(hash, mask, salt), 5, 0)),
  };
  for (const [what, algorithm] of Object.entries(refused)) assert.equal(signatureScheme(algorithm), undefined, what);
});

test('RSASSA-PSS verifies with exactly the salt that its parameters name', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = parsePublicKeyInfo(spkiOf(publicKey));
  const tbs = fromHex('010203');
  for (const saltLength of [0, 32, 222]) {
    const signature = sign('sha256', tbs, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
    for (const named of [0, 32, 222, 2048]) {
      const signatureAlgorithm = pss(hash, mask, der.explicit(2, der.integer(named)));
      assert.equal(pssSaltLength(signatureAlgorithm), named);
      const result = verifySignature({ tbs, signatureAlgorithm, signature }, key, nodeCrypto);
      assert.equal(result.ok, named === saltLength, `${saltLength} ${named}`);
    }
  }
  assert.equal(signatureScheme(pss(hash, mask, der.explicit(2, der.integer(2049)))), undefined);
  assert.equal(pssSaltLength(schemeAlgorithm('rsa-pkcs1-sha256')), undefined);
});

const kinds: readonly PublicKeyKind[] = [
  { type: 'ec', curve: 'P-256' },
  { type: 'rsa', bits: 2048, exponentHex: '010001' },
  { type: 'ed25519' },
  { type: 'ml-dsa', parameterSet: 44 },
  { type: 'ml-dsa', parameterSet: 65 },
  { type: 'dsa', bits: 1024 },
  { type: 'unknown', oid: '1.2.3' },
  { type: 'ed448' },
  { type: 'slh-dsa', parameterSet: 'sha2-128s' },
  { type: 'slh-dsa', parameterSet: 'shake-128s' },
];

test('a scheme fits one kind of key', () => {
  for (const scheme of [...MODERN_SCHEMES, ...LEGACY_SCHEMES]) {
    const fitting = kinds.filter((key) => schemeFitsKey(scheme, key));
    assert.ok(fitting.length <= 1, scheme);
  }
  const restricted: PublicKeyKind = {
    type: 'rsa',
    bits: 2048,
    exponentHex: '010001',
    pss: { parameters: { hash: 'sha384', saltLength: 48 } },
  };
  assert.deepEqual(
    MODERN_SCHEMES.filter((scheme) => schemeFitsKey(scheme, restricted)),
    ['rsa-pss-sha384'],
  );
});

test('keys outside of what may be used today are weak', () => {
  const rsa = (bits: number, exponentHex = '010001'): PublicKeyKind => ({ type: 'rsa', bits, exponentHex });
  for (const key of [rsa(2048), rsa(8192), kinds[0], kinds[2], kinds[3], kinds[7], kinds[8]])
    assert.equal(isStrongKey(key as PublicKeyKind), true);
  for (const key of [
    rsa(2047),
    rsa(8193),
    rsa(16_384),
    rsa(2048, '03'),
    rsa(2048, `01${'00'.repeat(8)}`),
    kinds[5],
    kinds[6],
    { type: 'ec-other', curveOid: '1.3.132.0.10' },
  ]) {
    assert.equal(isStrongKey(key as PublicKeyKind), false, JSON.stringify(key));
  }
});

test('a signature is refused for an unknown algorithm, for a key of another kind, and when it is wrong', async () => {
  const { privateKey, spki } = await generateKeyPair('p256');
  const key = parsePublicKeyInfo(spki);
  const tbs = Uint8Array.of(1, 2, 3);
  const signature = await nodeSigner(privateKey).sign(tbs);
  const signatureAlgorithm = schemeAlgorithm('ecdsa-sha256');
  assert.deepEqual(verifySignature({ tbs, signatureAlgorithm, signature }, key, nodeCrypto), {
    ok: true,
    scheme: 'ecdsa-sha256',
  });
  const code = (signed: Partial<Parameters<typeof verifySignature>[0]>, by = key): string => {
    const result = verifySignature({ tbs, signatureAlgorithm, signature, ...signed }, by, nodeCrypto);
    return result.ok ? 'ok' : result.code;
  };
  assert.equal(code({ signatureAlgorithm: algorithmIdentifier('1.2.3') }), 'signature_algorithm_unsupported');
  assert.equal(code({ signatureAlgorithm: schemeAlgorithm('ed25519') }), 'signature_key_mismatch');
  assert.equal(code({ tbs: Uint8Array.of(1, 2, 4) }), 'signature_invalid');
  assert.equal(code({ signature: signature.subarray(1) }), 'signature_invalid');
  // A point that is not on the curve: the key cannot be used.
  const offCurve = parsePublicKeyInfo(key.der.with(key.der.length - 1, (key.der.at(-1) as number) ^ 1));
  assert.equal(code({}, offCurve), 'signature_invalid');
});

test('keys of every kind are read as what they are', () => {
  const ec = (namedCurve: string): PublicKeyKind =>
    parsePublicKeyInfo(spkiOf(generateKeyPairSync('ec', { namedCurve }).publicKey)).key;
  assert.deepEqual(ec('P-256'), { type: 'ec', curve: 'P-256' });
  assert.deepEqual(ec('P-384'), { type: 'ec', curve: 'P-384' });
  assert.deepEqual(ec('P-521'), { type: 'ec', curve: 'P-521' });
  assert.deepEqual(ec('secp256k1'), { type: 'ec-other', curveOid: '1.3.132.0.10' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024, publicExponent: 3 });
  assert.deepEqual(parsePublicKeyInfo(spkiOf(rsa.publicKey)).key, { type: 'rsa', bits: 1024, exponentHex: '03' });
  const { bits } = parsePublicKeyInfo(spkiOf(rsa.publicKey));
  const pssKey = (parameters: Uint8Array | undefined): PublicKeyKind =>
    parsePublicKeyInfo(der.sequence(der.sequence(der.oid(OID.rsassaPss), parameters), der.bitString(bits))).key;
  const read = { type: 'rsa', bits: 1024, exponentHex: '03' };
  assert.deepEqual(pssKey(undefined), { ...read, pss: { parameters: undefined } });
  assert.deepEqual(pssKey(der.sequence(hash, mask, salt)), {
    ...read,
    pss: { parameters: { hash: 'sha256', saltLength: 32 } },
  });
  assert.throws(() => pssKey(nul), PkiError);
  assert.equal(parsePublicKeyInfo(spkiOf(generateKeyPairSync('x25519').publicKey)).key.type, 'unknown');
});

test('a compressed point is read, and verifies', async () => {
  const { privateKey, spki } = await generateKeyPair('p256');
  const point = parsePublicKeyInfo(spki).bits;
  const compressed = Uint8Array.of(2 + ((point[64] as number) & 1), ...point.subarray(1, 33));
  const key = parsePublicKeyInfo(
    der.sequence(der.sequence(der.oid(OID.ecPublicKey), der.oid(OID.p256)), der.bitString(compressed)),
  );
  const tbs = fromHex('00');
  const signature = await nodeSigner(privateKey).sign(tbs);
  assert.equal(
    verifySignature({ tbs, signatureAlgorithm: schemeAlgorithm('ecdsa-sha256'), signature }, key, nodeCrypto).ok,
    true,
  );
});

test('octets behind a public key are refused', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  assert.throws(() => parsePublicKeyInfo(Uint8Array.of(...spkiOf(publicKey), 0)), PkiError);
});
