import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { buildCsr, buildName, der } from '@countersign/pki';
import type { Extension, NameAttribute } from '@countersign/pki';
import type { San } from '@countersign/protocol';
import { createRoot } from '@countersign/testkit';
import type { TestCa } from '@countersign/testkit';
import { generateKeyPair, nodeSigner } from '@countersign/trust';
import type { NodeKeyPair } from '@countersign/trust';
import * as fc from 'fast-check';
import { readEstRequest } from '../../../src/domain/est/csr.ts';
import { enrollByEst } from '../../../src/domain/est/enroll.ts';
import type { EstCredential } from '../../../src/domain/est/enroll.ts';
import { parseTemplate } from '../../../src/domain/est/factory.ts';
import type { FactoryRule } from '../../../src/domain/est/factory.ts';
import { renew } from '../../../src/domain/renewal.ts';
import { createToken, redeemToken } from '../../../src/domain/tokens.ts';
import { testDomain } from '../../support/context.ts';
import type { TestDomain } from '../../support/context.ts';

type Granted = Awaited<ReturnType<typeof enrollByEst>>;

/** Names that can be proven, each with how OpenSSL writes it: written down here, read by nothing of ours. */
const good: readonly (readonly [San, string])[] = [
  [{ type: 'dns', value: 'a.ok.test' }, 'DNS:a.ok.test'],
  [{ type: 'dns', value: 'B.OK.test' }, 'DNS:b.ok.test'],
  [{ type: 'dns', value: 'xn--bcher-kva.ok.test' }, 'DNS:xn--bcher-kva.ok.test'],
  [{ type: 'ip', value: '10.1.2.3' }, 'IP Address:10.1.2.3'],
  [{ type: 'ip', value: '2001:DB8:0::1' }, 'IP Address:2001:DB8:0:0:0:0:0:1'],
  [{ type: 'uri', value: 'spiffe://ok.test/a' }, 'URI:spiffe://ok.test/a'],
  [{ type: 'email', value: 'u@OK.test' }, 'email:u@ok.test'],
];
/** What is no name, or none that the profile takes: no door may make anything of it. */
const bad: readonly San[] = [
  { type: 'dns', value: '*.ok.test' },
  { type: 'dns', value: '*' },
  { type: 'dns', value: 'a..ok.test' },
  { type: 'dns', value: '.ok.test' },
  { type: 'dns', value: 'a.ok.test.' },
  { type: 'dns', value: 'a.ok.test\0.evil.test' },
  { type: 'dns', value: 'bücher.ok.test' },
  { type: 'dns', value: '10.1.2.3' },
  { type: 'ip', value: '::ffff:10.1.2.3' },
  { type: 'ip', value: '010.1.2.3' },
  { type: 'uri', value: 'spiffe://ok.test/../a' },
  { type: 'email', value: 'u\0@ok.test' },
];
const san = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...good).map(([name, written]) => ({ name, written })) },
  { weight: 1, arbitrary: fc.constantFrom(...bad).map((name) => ({ name, written: undefined })) },
);

function tagged(tag: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(tag, content.length), content]);
}
const named = (tag: number, ...texts: readonly string[]) =>
  fc.constantFrom(...texts).map((text) => tagged(tag, Buffer.from(text)));

/** GeneralNames of every type as they stand in a request (RFC 5280, section 4.2.1.6), well-formed and not. */
const generalName = fc.oneof(
  named(
    0x82,
    'a.ok.test',
    'A.OK.TEST',
    'b.ok.test',
    '*.ok.test',
    'evil.test',
    'a.ok.test\0.evil.test',
    'a..ok.test',
    '',
  ),
  fc
    .constantFrom([10, 1, 2, 3], [10, 1, 2, 4], [...Buffer.alloc(10), 0xff, 0xff, 10, 1, 2, 3], [10, 1, 2])
    .map((octets) => tagged(0x87, Uint8Array.from(octets))),
  named(0x81, 'u@ok.test', 'root@ok.test', 'a.ok.test'),
  named(0x86, 'spiffe://ok.test/a', 'spiffe://ok.test/admin', 'a.ok.test'),
  fc
    .tuple(fc.constantFrom(0xa0, 0xa3, 0xa4, 0xa5, 0x88), fc.uint8Array({ maxLength: 12 }))
    .map(([tag, content]) => tagged(tag, content)),
);
const commonName = fc.constantFrom('pump', 'PUMP', 'a.ok.test', 'evil', 'sensor-A1', '*.ok.test', 'a\u0001b');
const request = fc.record({
  names: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(generalName, { maxLength: 3 }) },
  ),
  subject: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(commonName, { maxLength: 2 }) },
  ),
});

/** What re-enrollment takes, where the certificate has no subjectAltName. */
const faithful = fc.constant({ names: [], subject: ['pump'] });

function template(text: string): FactoryRule['name'] {
  const parsed = parseTemplate(text);
  if ('malformed' in parsed) throw new Error(parsed.malformed);
  return parsed;
}
const rule: FactoryRule = {
  factory: 'sensors',
  profile: 'device',
  name: template('sensor-{serialNumber}'),
  sans: [
    { type: 'dns', value: template('{serialNumber}.ok.test') },
    { type: 'uri', value: template('urn:dev:{cn}') },
  ],
};

describe('the names of certificates by token, renewal and EST', () => {
  let domain: TestDomain;
  let key: NodeKeyPair;
  let factory: TestCa;
  before(async () => {
    domain = await testDomain();
    key = await generateKeyPair('p256');
    factory = await createRoot('Factory');
  });
  after(() => domain[Symbol.asyncDispose]());

  async function csrOf({
    names,
    subject,
  }: {
    names: readonly Uint8Array[];
    subject: readonly string[];
  }): Promise<Buffer> {
    const extensions: Extension[] =
      names.length === 0 ? [] : [{ oid: '2.5.29.17', critical: false, value: der.sequence(...names) }];
    const name = buildName(subject.map((value): NameAttribute => ({ type: 'CN', value })));
    return Buffer.from(await buildCsr({ subject: name, extensions }, nodeSigner(key.privateKey)));
  }

  const pem = (csr: Buffer): string =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${csr.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;

  async function byEst(credential: EstCredential, csr: Buffer, again = false): Promise<Granted> {
    const read = readEstRequest(csr.toString('base64'));
    return read.ok ? enrollByEst(domain.context, { credential, request: read.request, label: undefined, again }) : read;
  }

  /** As OpenSSL reads what was issued. */
  function isWithin(outcome: Granted, name: string, proven: readonly (string | undefined)[]): boolean {
    if (!outcome.ok) return false;
    assert.ok(outcome.issued);
    const certificate = new X509Certificate(outcome.issued.certificate);
    assert.equal(certificate.subject, `CN=${name}`);
    for (const one of certificate.subjectAltName?.split(', ') ?? []) assert.ok(proven.includes(one), one);
    return true;
  }

  it('are among the proven ones, whatever the request asks for', async () => {
    const issued = new Map<string, number>();
    const count = (door: string, granted: boolean): void => {
      issued.set(door, (issued.get(door) ?? 0) + Number(granted));
    };
    await fc.assert(
      fc.asyncProperty(fc.array(san, { maxLength: 3 }), fc.oneof(request, request, faithful), async (wanted, asked) => {
        const sans = wanted.map(({ name }) => name);
        const proven = wanted.map(({ written }) => written);
        const wish = { name: 'pump', profile: 'device', sans, ttlSeconds: 60 } as const;
        const tokens = await Promise.all([0, 1].map(() => createToken(domain.context, wish, { kind: 'local' })));
        // What is no name makes no token, so it can never be proven by one.
        assert.ok(tokens.every(({ ok }) => ok !== proven.includes(undefined)));
        const [first, second] = tokens;
        if (first?.ok !== true || second?.ok !== true) return;
        const csr = await csrOf(asked);
        count('token', isWithin(await redeemToken(domain.context, first.token, pem(csr)), 'pump', proven));
        const credential = { by: 'token', token: second.token } as const;
        const byToken = await byEst(credential, csr);
        count('EST by token', isWithin(byToken, 'pump', proven));

        // A certificate with these names, by which more is asked for.
        const plain = await csrOf({ names: [], subject: ['pump'] });
        const current = byToken.ok ? byToken : await byEst(credential, plain);
        assert.ok(current.ok && current.issued !== undefined);
        const [certificate] = await domain.store.certificatesBySerial(current.issued.serial);
        assert.ok(certificate);
        const own = { by: 'certificate', certificate } as const;
        count('renewal', isWithin(await renew(domain.context, certificate, pem(csr)), 'pump', proven));
        count('EST by certificate', isWithin(await byEst(own, csr), 'pump', proven));
        const again = await byEst(own, csr, true);
        count('EST again', isWithin(again, 'pump', proven));
        // Again is for the same names, and nothing less.
        if (again.ok) assert.deepEqual(asked.subject, ['pump']);
      }),
      { numRuns: 200 },
    );
    for (const [door, times] of issued) assert.ok(times > 2, `${door}: ${times} certificates say something`);
    assert.equal(issued.size, 5);
  });

  it("are exactly what the rule makes of a factory's certificate", async () => {
    const serialNumber = fc.oneof(
      { weight: 3, arbitrary: fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/u) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('', 'x.evil', 'a b', '-a', 'a-', 'a/b', 'a:b', 'A1,DNS:evil', 'a'.repeat(64)),
      },
    );
    const model = fc.constantFrom('m1', '../admin', 'm/1', '*', 'ä', 'm.1', 'm:1', 'm1', 'm1');
    let issued = 0;
    await fc.assert(
      fc.asyncProperty(serialNumber, model, request, async (number, cn, asked) => {
        const attributes = [{ type: 'CN', value: cn }, ...(number === '' ? [] : [{ type: '2.5.4.5', value: number }])];
        const made = await factory.issue('device', { subject: buildName(attributes), usages: null, key });
        const shown = { rule, certificate: made.certificate };
        const outcome = await byEst({ by: 'factory', shown }, await csrOf(asked));
        const expected = [`DNS:${number.toLowerCase()}.ok.test`, `URI:urn:dev:${cn}`];
        if (!isWithin(outcome, `sensor-${number}`, expected)) return;
        assert.match(number, /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/u);
        assert.match(cn, /^[a-z0-9.]+$/u);
        issued += 1;
      }),
      { numRuns: 250 },
    );
    assert.ok(issued > 5, `${issued} certificates say something`);
  });
});
