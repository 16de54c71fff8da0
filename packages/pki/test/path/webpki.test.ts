import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  authorityKeyId,
  buildAndValidate,
  extendedKeyUsage,
  OID,
  subjectAltName,
  type Extension,
  type GeneralName,
} from '../../src/index.ts';
import { anchorsOf, countingCrypto, forge, forgeCa, NOW } from './support/forge.ts';

const root = forgeCa('Root');
const aki = authorityKeyId(root.key.id);
const server = extendedKeyUsage([OID.serverAuth]);

function codeFor(name: string, names: readonly GeneralName[], usage: Extension = server): string {
  const leaf = forge({ name, by: root, extensions: [aki, usage, subjectAltName(names)] });
  const result = buildAndValidate(leaf.cert, {
    anchors: anchorsOf(root),
    time: NOW,
    crypto: countingCrypto(),
    profile: 'webpki',
  });
  return result.ok ? 'ok' : result.code;
}

const dns = (...values: readonly string[]): GeneralName[] => values.map((value) => ({ type: 'dns', value }));
const ip = (...octets: readonly number[]): GeneralName[] => [{ type: 'ip', value: Uint8Array.from(octets) }];
const v6 = ip(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab);

describe('a common name and the alternative names', () => {
  const good: readonly (readonly [string, readonly GeneralName[]])[] = [
    ['a.example.com', dns('a.example.com', 'b.example.com')],
    ['example.com', dns('*.example.com')],
    ['example.com', dns('a.b.example.com')],
    ['Example Server', dns('a.example.com')],
    ['a.example.com', ip(192, 168, 1, 1)],
    ['192.168.1.1', ip(192, 168, 1, 1)],
    ['2001:db8::ab', v6],
    ['localhost', dns('other')],
    ['127.0.0.1', dns('a.0.0.1')],
    ['12345', ip(192, 168, 1, 1)],
  ];
  for (const [name, names] of good) {
    test(`${name} stands beside ${JSON.stringify(names)}`, () => {
      assert.equal(codeFor(name, names), 'ok');
    });
  }

  const bad: readonly (readonly [string, readonly GeneralName[]])[] = [
    ['A.example.com', dns('a.example.com')],
    ['c.example.com', dns('a.example.com', 'b.example.com')],
    ['c.EXAMPLE.com', dns('a.example.com')],
    ['b.com', dns('a.com')],
    ['bücher.example', dns('xn--bcher-kva.example')],
    ['192.168.001.001', ip(192, 168, 1, 1)],
    ['0xC0A80101', ip(192, 168, 1, 1)],
    ['3232235777', ip(192, 168, 1, 1)],
    ['192.168.257', ip(192, 168, 1, 1)],
    ['0xc0.0xa8.1.1', ip(192, 168, 1, 1)],
    ['2001:DB8::AB', v6],
    ['2001:db8:0:0:0:0:0:ab', v6],
  ];
  for (const [name, names] of bad) {
    test(`${name} does not`, () => assert.equal(codeFor(name, names), 'webpki_common_name'));
  }
});

describe('what a server’s certificate may be for as well', () => {
  test('a client', () => {
    assert.equal(codeFor('x', dns('a.example'), extendedKeyUsage([OID.serverAuth, OID.clientAuth])), 'ok');
  });
  const foreign = ['codeSigning', 'emailProtection', 'timeStamping', 'ocspSigning', 'precertificateSigning'] as const;
  for (const usage of foreign) {
    test(`not ${usage}`, () => {
      assert.equal(codeFor('x', dns('a.example'), extendedKeyUsage([OID.serverAuth, OID[usage]])), 'webpki_eku');
    });
  }
});
