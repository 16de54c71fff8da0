import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  authorityInfoAccess,
  authorityKeyId,
  basicConstraints,
  buildAndValidate,
  der,
  extendedKeyUsage,
  inhibitAnyPolicy,
  keyUsage,
  nameConstraints,
  OID,
  PATH_CODES,
  PkiError,
  policyConstraints,
  subjectAltName,
  subjectKeyId,
  type Extension,
  type PathErrorCode,
  type PathOptions,
} from '../../src/index.ts';
import {
  anchorsOf,
  caExtensions,
  countingCrypto,
  forge,
  forgeCa,
  newKey,
  NOW,
  type Forged,
  type KeyPair,
  type Shape,
} from './support/forge.ts';

const root = forgeCa('Root');
const dns = subjectAltName([{ type: 'dns', value: 'host.example.com' }]);
const server = extendedKeyUsage([OID.serverAuth]);
const uri = (value: string): Extension => subjectAltName([{ type: 'uri', value }]);

interface Violation {
  readonly leaf?: Partial<Shape>;
  /** Extensions of the intermediate. */
  readonly ca?: Partial<Shape>;
  readonly anchor?: Partial<Shape>;
  readonly options?: Partial<PathOptions>;
}

const key = newKey();
const id = subjectKeyId(key.id);
const aki = authorityKeyId(root.key.id);
const signing = keyUsage(['keyCertSign', 'cRLSign']);
const isCa = basicConstraints({ ca: true });

function uncritical(extension: Extension): Extension {
  return { ...extension, critical: false };
}
function critical(extension: Extension): Extension {
  return { ...extension, critical: true };
}

/** One certificate for every rule of section 4, with nothing else wrong. */
const ISSUER: Partial<Record<PathErrorCode, Violation>> = {
  serial_not_positive: { leaf: { serial: Uint8Array.of(0) } },
  serial_too_long: { leaf: { serial: new Uint8Array(21).fill(1) } },
  issuer_empty: { anchor: { name: '' } },
  ca_subject_empty: { ca: { name: '' }, options: { without: without('issuer_empty') } },
  authority_key_id_missing: { leaf: { extensions: [dns] } },
  authority_key_id_critical: { leaf: { extensions: [dns, critical(aki)] } },
  subject_key_id_missing: { ca: { extensions: [isCa, signing, aki] } },
  subject_key_id_critical: { ca: { extensions: [isCa, signing, aki, critical(id)] } },
  ca_key_usage_missing: { ca: { extensions: [isCa, aki, id] } },
  cert_sign_without_ca: { leaf: { extensions: [dns, aki, keyUsage(['digitalSignature', 'keyCertSign'])] } },
  key_usage_key: {
    leaf: { key: edwardsKey(), extensions: [dns, aki, keyUsage(['digitalSignature', 'keyEncipherment'])] },
  },
  path_length_without_ca: { leaf: { extensions: [dns, aki, basicConstraintsNotCa()] } },
  basic_constraints_missing: { anchor: { extensions: [id] } },
  basic_constraints_not_critical: { ca: { extensions: [uncritical(isCa), signing, aki, id] } },
  name_constraints_in_leaf: {
    leaf: { extensions: [dns, aki, nameConstraints({ excluded: [{ type: 'dns', value: 'x' }] })] },
  },
  name_constraints_not_critical: {
    ca: {
      extensions: [isCa, signing, aki, id, uncritical(nameConstraints({ excluded: [{ type: 'dns', value: 'x' }] }))],
    },
  },
  name_constraints_malformed: {
    ca: { extensions: [isCa, signing, aki, id, nameConstraints({ excluded: [{ type: 'dns', value: '.x' }] })] },
  },
  policy_constraints_not_critical: {
    ca: { extensions: [isCa, signing, aki, id, uncritical(policyConstraints({ inhibitPolicyMapping: 0 }))] },
  },
  inhibit_any_policy_not_critical: { ca: { extensions: [isCa, signing, aki, id, uncritical(inhibitAnyPolicy(0))] } },
  information_critical: {
    leaf: {
      extensions: [
        dns,
        aki,
        critical(
          authorityInfoAccess([{ method: OID.ocsp, location: { type: 'uri', value: 'http://ocsp.example.com/' } }]),
        ),
      ],
    },
  },
  san_missing: { leaf: { name: '', extensions: [aki] } },
  san_not_critical: { leaf: { name: '', extensions: [aki, uncritical(dns)] } },
  san_malformed: { leaf: { extensions: [aki, subjectAltName([{ type: 'dns', value: 'a_b.example.com' }])] } },
};

function edwardsKey(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })), privateKey, id: key.id };
}

function basicConstraintsNotCa(): Extension {
  return { ...isCa, value: der.sequence(der.integer(0)) };
}

const WEBPKI: Partial<Record<PathErrorCode, Violation>> = {
  webpki_version: {
    leaf: { version: 1 },
    options: { without: without('webpki_san', 'webpki_eku', 'authority_key_id_missing') },
  },
  webpki_ca_leaf: { leaf: { extensions: [dns, id, aki, isCa, signing] }, options: { without: without('webpki_eku') } },
  webpki_ca_server: {
    leaf: { extensions: [dns, id, aki, isCa, signing, server] },
    options: { without: without('webpki_ca_leaf') },
  },
  webpki_san: { leaf: { extensions: [aki, server, uri('spiffe://example.org/a')] } },
  webpki_san_critical: { leaf: { extensions: [aki, server, critical(dns)] } },
  webpki_wildcard: { leaf: { extensions: [aki, server, subjectAltName([{ type: 'dns', value: '*.com' }])] } },
  webpki_public_suffix: {
    leaf: { extensions: [aki, server, subjectAltName([{ type: 'dns', value: '*.co.example' }])] },
    options: { isPublicSuffix: (name) => name === 'co.example' },
  },
  webpki_common_name: { leaf: { name: 'HOST.example.com' } },
  webpki_eku: { leaf: { extensions: [aki, dns, extendedKeyUsage([OID.serverAuth, OID.anyExtendedKeyUsage])] } },
  webpki_root_eku: { anchor: { extensions: [isCa, signing, id, server] } },
  webpki_root_key_id: { anchor: { extensions: [isCa, signing, id, authorityKeyId(root.key.id)] } },
};

const SPIFFE: Partial<Record<PathErrorCode, Violation>> = {
  spiffe_id: { leaf: { extensions: [uri('spiffe://example.org/a?b'), keyUsage(['digitalSignature'])] } },
  spiffe_leaf_is_ca: { leaf: { extensions: [uri('spiffe://example.org/a'), keyUsage(['digitalSignature']), isCa] } },
  spiffe_key_usage: {
    leaf: { extensions: [uri('spiffe://example.org/a'), keyUsage(['digitalSignature', 'cRLSign'])] },
  },
  spiffe_signing_usage: { ca: { extensions: [isCa, id, aki] } },
  spiffe_signing_id: { ca: { extensions: [isCa, signing, id, aki, uri('spiffe://example.org/ca')] } },
};

function without(...codes: PathErrorCode[]): PathErrorCode[] {
  return codes;
}

/** A chain of three that has nothing wrong but the violation. */
function chain(
  { leaf, ca, anchor }: Violation,
  leafExtensions: (by: Forged) => Extension[],
): readonly [Forged, Forged, Forged] {
  const top =
    anchor === undefined ? root : forge({ name: 'Other Root', key, extensions: caExtensions(key, key), ...anchor });
  const issuing =
    ca === undefined
      ? forgeCa('Issuing', top)
      : forge({ name: 'Issuing', key, by: top, extensions: caExtensions(key, top.key), ...ca });
  return [forge({ name: 'host.example.com', by: issuing, extensions: leafExtensions(issuing), ...leaf }), issuing, top];
}

const GROUPS = [
  { group: 'issuer', table: ISSUER, options: { strict: true }, leaf: (by: Forged) => [dns, authorityKeyId(by.key.id)] },
  {
    group: 'webpki',
    table: WEBPKI,
    options: { profile: 'webpki' },
    leaf: (by: Forged) => [dns, authorityKeyId(by.key.id), server],
  },
  {
    group: 'spiffe',
    table: SPIFFE,
    options: { profile: 'spiffe' },
    leaf: () => [uri('spiffe://example.org/web'), keyUsage(['digitalSignature'])],
  },
] as const;

for (const { group, table, options, leaf } of GROUPS) {
  const judge = (violation: Violation, more: Partial<PathOptions> = {}) => {
    const [end, issuing, top] = chain(violation, leaf);
    return buildAndValidate(end.cert, {
      anchors: anchorsOf(top),
      intermediates: [issuing.cert],
      time: NOW,
      crypto: countingCrypto(),
      ...options,
      ...violation.options,
      ...more,
    });
  };

  describe(`rules of the group ${group}`, () => {
    test('a chain that keeps them all passes', () => {
      const result = judge({});
      assert.equal(result.ok, true, result.ok ? '' : `${result.code} ${result.detail}`);
    });

    for (const [code, violation] of Object.entries(table)) {
      test(`${code} is found, and only where asked for`, () => {
        const result = judge(violation);
        assert.equal(result.ok ? 'ok' : result.code, code);
        const off = judge(violation, { without: [...(violation.options?.without ?? []), code as PathErrorCode] });
        assert.notEqual(off.ok ? 'ok' : off.code, code);
      });
    }
  });
}

test('every rule has its case', () => {
  // P-192 and the like cannot be forged with node:crypto's P-256 alone: x509-limbo has those.
  const elsewhere = ['webpki_key', 'webpki_subscriber_key'];
  const covered = [...GROUPS.flatMap(({ table }) => Object.keys(table)), ...elsewhere].toSorted();
  const rules = Object.entries(PATH_CODES).filter(([, { group }]) => group !== 'path');
  assert.deepEqual(covered, rules.map(([code]) => code).toSorted());
});

test('what every relying party checks cannot be switched off', () => {
  const [end, issuing, top] = chain({}, () => []);
  const options = { anchors: anchorsOf(top), intermediates: [issuing.cert], time: NOW, crypto: countingCrypto() };
  assert.throws(
    () => buildAndValidate(end.cert, { ...options, without: ['expired'] }),
    (error) => error instanceof PkiError && error.code === 'argument',
  );
});
