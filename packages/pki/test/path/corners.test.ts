// Corners of RFC 5280 that suites seldom visit, each with its section.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  basicConstraints,
  buildAndValidate,
  certificatePolicies,
  extendedKeyUsage,
  inhibitAnyPolicy,
  keyUsage,
  nameConstraints,
  OID,
  refusalOf,
  subjectAltName,
  trustAnchor,
  type Extension,
  type GeneralName,
  type PathOptions,
  type TrustAnchor,
} from '../../src/index.ts';
import { anchorsOf, countingCrypto, forge, forgeCa, newKey, NOW, type Forged } from './support/forge.ts';

const root = forgeCa('Root');
const dns = (value: string): GeneralName => ({ type: 'dns', value });

function verdict(leaf: Forged, bag: readonly Forged[], options: Partial<PathOptions> = {}): string {
  const result = buildAndValidate(leaf.cert, {
    anchors: anchorsOf(root),
    intermediates: bag.map(({ cert }) => cert),
    time: NOW,
    crypto: countingCrypto(),
    ...options,
  });
  return result.ok ? 'ok' : result.code;
}

describe('pathLenConstraint (4.2.1.9, 6.1.4 (l), (m))', () => {
  test('counts neither self-issued CAs nor the last certificate, and every other CA', () => {
    const limited = forgeCa('Limited', root, { pathLen: 1 });
    const again = forgeCa('Limited', limited, { key: newKey() });
    const below = forgeCa('Below', again);
    const twice = forgeCa('Twice', below);
    assert.equal(verdict(forge({ name: 'x', by: below }), [limited, again, below]), 'ok');
    assert.equal(verdict(forge({ name: 'x', by: twice }), [limited, again, below, twice]), 'path_length');
    // The last certificate may be a CA's: it is no intermediate (4.2.1.9).
    assert.equal(verdict(twice, [limited, again, below]), 'ok');
  });

  test('of a self-issued CA narrows like any other (6.1.4 (m))', () => {
    const wide = forgeCa('Wide', root, { pathLen: 5 });
    const narrow = forgeCa('Wide', wide, { key: newKey(), pathLen: 0 });
    const below = forgeCa('Below', narrow);
    assert.equal(verdict(forge({ name: 'x', by: narrow }), [wide, narrow]), 'ok');
    assert.equal(verdict(forge({ name: 'x', by: below }), [wide, narrow, below]), 'path_length');
  });

  test('is never widened by a CA below (6.1.4 (m))', () => {
    const narrow = forgeCa('Narrow', root, { pathLen: 0 });
    const boastful = forgeCa('Boastful', narrow, { pathLen: 9 });
    assert.equal(verdict(forge({ name: 'x', by: boastful }), [narrow, boastful]), 'path_length');
  });
});

describe('version 1 (6.1.4 (k))', () => {
  test('a CA in the middle of a path is none, because it cannot say that it is one', () => {
    const old = forge({ name: 'Old CA', by: root, version: 1 });
    assert.equal(verdict(forge({ name: 'x', by: old }), [old]), 'version_not_3');
  });

  test('a trust anchor is one because it is trusted (6.1.1 (d))', () => {
    const old = forge({ name: 'Old Root', version: 1 });
    assert.equal(verdict(forge({ name: 'x', by: old }), [], { anchors: anchorsOf(old) }), 'ok');
  });

  test('a leaf of it is a leaf', () => {
    assert.equal(verdict(forge({ name: 'x', by: root, version: 1 }), []), 'ok');
  });
});

describe('extended key usage along the chain (4.2.1.12)', () => {
  const [client, server, any] = [OID.clientAuth, OID.serverAuth, OID.anyExtendedKeyUsage];
  const chain = (ca: readonly string[] | undefined, leaf: readonly string[] | undefined): string => {
    const of = (usages: readonly string[] | undefined): Extension[] =>
      usages === undefined ? [] : [extendedKeyUsage(usages)];
    const issuing = forgeCa('Issuing', root, { extensions: of(ca) });
    return verdict(forge({ name: 'x', by: issuing, extensions: of(leaf) }), [issuing], { purpose: 'client' });
  };

  test('anyExtendedKeyUsage and none at all allow every use, at every level', () => {
    for (const ca of [undefined, [any], [client], [server, any]]) {
      for (const leaf of [undefined, [any], [client], [server, client], [server, any]]) {
        assert.equal(chain(ca, leaf), 'ok', `${String(ca)} ${String(leaf)}`);
      }
    }
  });

  test('a CA for another use takes its leaves with it, whatever they say', () => {
    for (const leaf of [undefined, [any], [client]]) {
      assert.equal(chain([server], leaf), 'extended_key_usage', String(leaf));
    }
    assert.equal(chain([any], [server]), 'extended_key_usage');
    assert.equal(chain([client], [OID.ocspSigning]), 'extended_key_usage');
  });
});

describe('name constraints (4.2.1.10)', () => {
  const under = (constraints: Parameters<typeof nameConstraints>[0], ...names: GeneralName[]): string => {
    const ca = forgeCa('Constrained', root, { extensions: [nameConstraints(constraints)] });
    return verdict(forge({ name: '', by: ca, extensions: [subjectAltName(names)] }), [ca]);
  };

  test('of an empty DNS name hold for every DNS name, permitted or excluded', () => {
    assert.equal(under({ permitted: [dns('')] }, dns('a.example')), 'ok');
    assert.equal(under({ excluded: [dns('')] }, dns('a.example')), 'name_constraints');
    assert.equal(under({ excluded: [dns('')] }, { type: 'email', value: 'a@a.example' }), 'ok');
  });

  test('of all addresses, 0.0.0.0/0, hold for IPv4 and say nothing of IPv6', () => {
    const everything: GeneralName = { type: 'ip', value: new Uint8Array(8) };
    const four: GeneralName = { type: 'ip', value: Uint8Array.of(192, 0, 2, 1) };
    const six: GeneralName = { type: 'ip', value: Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(12)) };
    assert.equal(under({ excluded: [everything] }, four), 'name_constraints');
    assert.equal(under({ permitted: [everything] }, four), 'ok');
    // Permitted addresses of one family permit none of the other: both are iPAddress.
    assert.equal(under({ permitted: [everything] }, six), 'name_constraints');
    assert.equal(under({ excluded: [everything] }, six), 'ok');
  });

  test('hold for self-issued certificates only where they are the last (6.1.3 (b), (c))', () => {
    const ca = forgeCa('evil', root, { extensions: [nameConstraints({ permitted: [dns('good.example')] })] });
    const sans = [subjectAltName([dns('evil.example')])];
    const again = forgeCa('evil', ca, { key: newKey(), extensions: sans });
    const leaf = forge({ name: 'x', by: again, extensions: [subjectAltName([dns('a.good.example')])] });
    assert.equal(verdict(leaf, [ca, again]), 'ok');
    assert.equal(verdict(again, [ca]), 'name_constraints');
  });
});

describe('constraints of a trust anchor (RFC 5937, 3.2; RFC 5280, 6.2)', () => {
  const below = (by: Forged, name = 'a.example'): Forged =>
    forge({ name: '', by, extensions: [subjectAltName([dns(name)])] });

  test('in its certificate hold: names, path length, usage, time', () => {
    const named = forgeCa('Named', undefined, { extensions: [nameConstraints({ permitted: [dns('b.example')] })] });
    assert.equal(verdict(below(named), [], { anchors: anchorsOf(named) }), 'name_constraints');
    assert.equal(verdict(below(named, 'b.example'), [], { anchors: anchorsOf(named) }), 'ok');

    const short = forgeCa('Short', undefined, { pathLen: 0 });
    const issuing = forgeCa('Issuing', short);
    assert.equal(verdict(below(short), [], { anchors: anchorsOf(short) }), 'ok');
    assert.equal(verdict(below(issuing), [issuing], { anchors: anchorsOf(short) }), 'path_length');

    const key = newKey();
    const mute = forge({ name: 'Mute', key, extensions: [basicConstraints({ ca: true }), keyUsage(['cRLSign'])] });
    assert.equal(verdict(below(mute), [], { anchors: anchorsOf(mute) }), 'ca_key_usage');

    const gone = forgeCa('Gone', undefined, { notAfter: NOW - 1000 });
    assert.equal(verdict(below(gone), [], { anchors: anchorsOf(gone) }), 'expired');
  });

  test('given beside it hold as well, and a bare name and key has none', () => {
    const bare: TrustAnchor = { name: root.cert.subject, spki: root.cert.spki };
    assert.equal(verdict(below(root), [], { anchors: [bare] }), 'ok');
    const permitted = { permitted: [dns('b.example')], excluded: [] };
    const constrained = { ...trustAnchor(root.cert), nameConstraints: permitted };
    assert.equal(verdict(below(root), [], { anchors: [constrained] }), 'name_constraints');
    assert.equal(verdict(below(root, 'x.b.example'), [], { anchors: [constrained] }), 'ok');
  });

  test('that nobody here understands refuse it: a critical extension is no hint', () => {
    const unknown = { oid: '1.3.6.1.4.1.55738.666.1', critical: true, value: Uint8Array.of(5, 0) };
    const odd = forgeCa('Odd', undefined, { extensions: [unknown] });
    assert.equal(verdict(below(odd), [], { anchors: anchorsOf(odd) }), 'critical_extension');
  });
});

describe('anyPolicy where it is inhibited (6.1.3 (d) (2), 6.1.4 (j))', () => {
  const P1 = '1.3.6.1.4.1.55738.1';
  const any = certificatePolicies([OID.anyPolicy]);

  test('still counts in a self-issued CA in the middle, and nowhere else', () => {
    const policies = { acceptable: [P1], requireExplicit: true } as const;
    const inhibiting = forgeCa('Inhibiting', root, { extensions: [any, inhibitAnyPolicy(0)] });
    const rolled = forgeCa('Inhibiting', inhibiting, { key: newKey(), extensions: [any] });
    const other = forgeCa('Other', inhibiting, { extensions: [any] });
    const leaf = (by: Forged, extension: Extension): Forged => forge({ name: 'x', by, extensions: [extension] });
    const named = certificatePolicies([P1]);
    assert.equal(verdict(leaf(rolled, named), [inhibiting, rolled], { policies }), 'ok');
    assert.equal(verdict(leaf(other, named), [inhibiting, other], { policies }), 'policy');
    assert.equal(verdict(leaf(inhibiting, any), [inhibiting], { policies }), 'policy');
    // The last certificate is not in the middle, self-issued or not.
    const last = forge({ name: 'Inhibiting', by: inhibiting, extensions: [any] });
    assert.equal(verdict(last, [inhibiting], { policies }), 'policy');
  });

  test('is inhibited from below too: the smaller number counts', () => {
    const policies = { acceptable: [P1], requireExplicit: true } as const;
    const later = forgeCa('Later', root, { extensions: [any, inhibitAnyPolicy(1)] });
    const sooner = forgeCa('Sooner', later, { extensions: [any, inhibitAnyPolicy(0)] });
    assert.equal(verdict(forge({ name: 'x', by: sooner, extensions: [any] }), [later, sooner], { policies }), 'policy');
    const step = forgeCa('Step', later, { extensions: [any] });
    assert.equal(verdict(forge({ name: 'x', by: step, extensions: [any] }), [later, step], { policies }), 'policy');
    assert.equal(
      verdict(forge({ name: 'x', by: step, extensions: [certificatePolicies([P1])] }), [later, step], { policies }),
      'ok',
    );
  });
});

test('serial numbers of zero, below zero and of 21 octets are refused by section 4.1.2.2 where it is asked for, and read otherwise', () => {
  for (const serial of [Uint8Array.of(0), Uint8Array.of(0x80), new Uint8Array(21).fill(1)]) {
    const leaf = forge({ name: 'x', by: root, serial });
    assert.equal(verdict(leaf, []), 'ok');
    const strict = buildAndValidate(leaf.cert, {
      anchors: anchorsOf(root),
      time: NOW,
      crypto: countingCrypto(),
      strict: true,
    });
    assert.ok(!strict.ok);
    assert.equal(refusalOf(strict.code), 'malformed_certificate');
  }
});
