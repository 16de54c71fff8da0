import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { buildCsr, buildName, der, parseCertificate } from '@countersign/pki';
import type { Extension } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';
import * as fc from 'fast-check';
import { finalizeOrder } from '../../../src/domain/acme/finalize.ts';
import type { AcmeKey } from '../../../src/domain/acme/jwk.ts';
import { newOrder } from '../../../src/domain/acme/orders.ts';
import type { AcmeAccount } from '../../../src/domain/acme/records.ts';
import { acmeDomain } from '../../support/acme-domain.ts';
import type { AcmeDomain } from '../../support/acme-domain.ts';

// What is proven, written down here and read by nothing of ours.
const provenDns = ['a.ok.test', 'b.ok.test', '*.ok.test', 'xn--bcher-kva.ok.test', 'deep.a.ok.test'];
const provenIps = ['10.1.2.3', '2001:db8::1'];

/** Names that are near to the proven ones, and names of every trick. */
const nearDns = [
  'A.OK.test',
  'c.ok.test',
  'ok.test',
  'a.ok.test.',
  '.a.ok.test',
  'a..ok.test',
  '*.a.ok.test',
  '*.*.ok.test',
  '**.ok.test',
  '*',
  '*.test',
  'a.ok.test\0.evil.test',
  'evil.test\0a.ok.test',
  'a.ok.test\n',
  ' a.ok.test',
  'a.ok.test,b.ok.test',
  'DNS:a.ok.test',
  'bücher.ok.test',
  'xn--BCHER-kva.ok.test',
  'xn--.ok.test',
  'evil.test',
  '10.1.2.3',
  '',
];
const nearIps = ['10.1.2.4', '::ffff:10.1.2.3', '127.0.0.1', '010.1.2.3', '10.1.2.3/32', '2001:DB8:0::1', '::1', 'x'];
const identifier = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...provenDns).map((value) => ({ type: 'dns', value })) },
  { weight: 4, arbitrary: fc.constantFrom(...provenIps).map((value) => ({ type: 'ip', value })) },
  { weight: 2, arbitrary: fc.constantFrom(...nearDns).map((value) => ({ type: 'dns', value })) },
  { weight: 1, arbitrary: fc.constantFrom(...nearIps).map((value) => ({ type: 'ip', value })) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom('email', 'uri', 'DNS', 'Ip', '__proto__'), value: fc.string() }),
  },
);

/** The tags of GeneralName (RFC 5280, section 4.2.1.6): otherName to registeredID, each with whatever in it. */
const ipOctets = fc.oneof(
  fc.constant([10, 1, 2, 3]),
  fc.constant([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3]),
  fc.array(fc.nat(255), { maxLength: 20 }),
);
const generalName = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...provenDns, ...nearDns).map((text) => tagged(0x82, Buffer.from(text))) },
  { weight: 2, arbitrary: ipOctets.map((octets) => tagged(0x87, Uint8Array.from(octets))) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('root@a.ok.test', 'a.ok.test').map((text) => tagged(0x81, Buffer.from(text))),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('spiffe://ok.test/a', 'https://a.ok.test/', 'a.ok.test')
      .map((text) => tagged(0x86, Buffer.from(text))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(0xa0, 0xa3, 0xa4, 0xa5, 0x88), fc.uint8Array({ maxLength: 12 }))
      .map(([tag, content]) => tagged(tag, content)),
  },
);

function tagged(tag: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(tag, content.length), content]);
}

function dnsName(text: string): Uint8Array {
  return tagged(0x82, Buffer.from(text));
}

function addressName(text: string): Uint8Array {
  return tagged(
    0x87,
    text === '10.1.2.3' ? Uint8Array.of(10, 1, 2, 3) : Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Buffer.alloc(11), 1),
  );
}

const request = fc.record({
  identifiers: fc.array(identifier, { maxLength: 4 }),
  /** Whether the request asks for what was ordered, and what it asks for beside or instead. */
  faithful: fc.constantFrom(true, true, true, false),
  sans: fc.array(generalName, { maxLength: 2 }),
  commonName: fc.option(fc.constantFrom(...provenDns, ...nearDns.filter((name) => name !== ''), 'root', '10.1.2.3'), {
    freq: 1,
  }),
  payload: fc.constantFrom(
    {},
    { profile: 'server' },
    { profile: 'admin' },
    { sans: [{ type: 'dns', value: 'evil.test' }] },
  ),
});

describe('the names of certificates by ACME', () => {
  let domain: AcmeDomain;
  let account: AcmeAccount;
  let key: AcmeKey;
  before(async () => {
    domain = await acmeDomain();
    const preauthorized = [...provenDns.map((name) => `dns:${name}`), ...provenIps.map((ip) => `ip:${ip}`)];
    ({ account, key } = await domain.account({ preauthorized }));
  });
  after(() => domain[Symbol.asyncDispose]());

  it('are among the proven ones, whatever is ordered, asked for and sent along', async () => {
    const pair = await generateKeyPair('p256');
    let issued = 0;
    await fc.assert(
      fc.asyncProperty(request, async ({ identifiers, faithful, sans, commonName, payload }) => {
        const placed = await newOrder(domain.acme, account, { identifiers, ...payload });
        if (!placed.ok) return;
        const ordered = placed.order.authorizations.map(({ identifier: { type, value }, wildcard }) =>
          type === 'ip' ? addressName(value) : dnsName(wildcard ? `*.${value}` : value),
        );
        const asked = faithful ? [...ordered, ...sans.slice(1)] : sans;
        const extensions: Extension[] =
          asked.length === 0 ? [] : [{ oid: '2.5.29.17', critical: false, value: der.sequence(...asked) }];
        const subject = buildName(commonName === null ? [] : [{ type: 'CN', value: commonName }]);
        const csr = Buffer.from(await buildCsr({ subject, extensions }, nodeSigner(pair.privateKey)));
        const outcome = await finalizeOrder(domain.acme, account, key, placed.order.id, {
          csr: csr.toString('base64url'),
          ...payload,
        });
        if (!outcome.ok) {
          assert.equal((await domain.store.acmeOrder(placed.order.id))?.certificate, undefined);
          return;
        }
        issued += 1;
        const { issuer = '', serial = '' } = outcome.order.certificate ?? {};
        const stored = await domain.store.certificate(issuer, serial);
        assert.ok(stored);
        // OpenSSL's reading of the names, and our own.
        const names = new X509Certificate(stored.der).subjectAltName?.split(', ') ?? [];
        assert.ok(names.length > 0);
        for (const name of names) {
          const [type = '', value = ''] = name.split(/:(?<rest>.*)/su);
          if (type === 'DNS') assert.ok(provenDns.includes(value), name);
          else assert.ok(type === 'IP Address' && ['10.1.2.3', '2001:DB8:0:0:0:0:0:1'].includes(value), name);
        }
        const certificate = parseCertificate(stored.der);
        assert.equal(certificate.subjectAltName?.length, names.length);
        assert.equal(certificate.subject.rdns.length, 1);
        const [common] = certificate.subject.rdns.flat();
        assert.ok([...provenDns, ...provenIps].includes(common?.value ?? ''), String(common?.value));
      }),
      { numRuns: 600 },
    );
    assert.ok(issued > 20, `${issued} certificates say something`);
  });
});
