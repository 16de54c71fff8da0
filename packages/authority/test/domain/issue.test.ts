import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import {
  buildCsr,
  buildName,
  parseCertificate,
  parseIpAddress,
  pemDecode,
  pemEncode,
  tlsFeature,
  verifySignature,
} from '@countersign/pki';
import type { GeneralName } from '@countersign/pki';
import { generateKeyPair, nodeCrypto, nodeSigner } from '@countersign/trust';
import type { KeyKind } from '@countersign/trust';
import type { San } from '@countersign/protocol';
import * as fc from 'fast-check';
import { findAuditBreak } from '../../src/domain/audit.ts';
import { namesOfCertificate } from '../../src/domain/certificate-names.ts';
import { issueForAdmin, issueForGateway } from '../../src/domain/doors.ts';
import { issue } from '../../src/domain/issue.ts';
import { nameSet, namesNotProven, parseTypedName } from '../../src/domain/names.ts';
import type { TypedName } from '../../src/domain/names.ts';
import { renew } from '../../src/domain/renewal.ts';
import { revoke } from '../../src/domain/revocation.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { csrOf, newRequest } from '../support/keys.ts';
import { describeOnEachStore } from '../support/stores.ts';

const local = { kind: 'local' } as const;

function leafOf(pem: string) {
  const [leaf] = pemDecode(pem);
  assert.ok(leaf);
  return parseCertificate(leaf.der);
}

describeOnEachStore('issue', () => {
  let domain: TestDomain;
  before(async () => {
    domain = await testDomain();
  });
  after(() => domain[Symbol.asyncDispose]());

  it('makes certificates that their issuer has signed, with everything that relying parties need', async () => {
    const stored = await domain.issued('demo');
    const leaf = parseCertificate(stored.der);
    const [issuer] = domain.cas.issuing;
    assert.ok(issuer);
    assert.ok(verifySignature(leaf, issuer.certificate.spki, nodeCrypto).ok);
    assert.deepEqual(leaf.authorityKeyId?.keyId, issuer.certificate.subjectKeyId);
    assert.equal(leaf.basicConstraints?.ca, false);
    assert.deepEqual(leaf.keyUsage?.names, ['digitalSignature']);
    assert.deepEqual(leaf.extendedKeyUsage, ['1.3.6.1.5.5.7.3.2']);
    assert.equal(leaf.profile, 'client');
    assert.ok(leaf.serialHex.length >= 24, 'a serial of 128 random bits');
    assert.equal(leaf.notAfter, domain.clock.now() + 90 * 86_400_000);
  });

  for (const kind of [
    'p384',
    'p521',
    'ed25519',
    'rsa2048',
    'ml-dsa-44',
    'ml-dsa-65',
    'ml-dsa-87',
  ] satisfies KeyKind[]) {
    it(`certifies a key of kind ${kind}`, async () => {
      const { csr, key } = await newRequest(kind);
      const outcome = await issueForAdmin(domain.context, { name: kind, profile: 'peer', sans: [], csr }, local);
      assert.ok(outcome.ok);
      assert.deepEqual(leafOf(outcome.issued.certificate).spki.der, key.spki);
    });
  }

  it('makes certificates that must be stapled, for servers alone, by the door’s word or by the request’s', async () => {
    const plain = (await newRequest()).csr;
    const { privateKey } = await generateKeyPair('p256');
    const asking = pemEncode(
      'CERTIFICATE REQUEST',
      await buildCsr({ subject: buildName([]), extensions: [tlsFeature([5])] }, nodeSigner(privateKey)),
    );
    const wordOf = async (profile: 'server' | 'peer' | 'client', csr: string, mustStaple?: boolean) => {
      const outcome = await issueForAdmin(
        domain.context,
        { name: 'must.example', profile, sans: [], csr, mustStaple },
        local,
      );
      return outcome.ok ? leafOf(outcome.issued.certificate).mustStaple : outcome.code;
    };
    assert.equal(await wordOf('server', plain), false);
    assert.equal(await wordOf('server', plain, true), true);
    assert.equal(await wordOf('peer', asking), true);
    assert.equal(await wordOf('client', plain, true), 'profile_forbids');
    assert.equal(await wordOf('client', asking), 'profile_forbids');
  });

  it('refuses a request without proof of possession', async () => {
    const mine = await newRequest();
    const [block] = pemDecode(mine.csr);
    assert.ok(block);
    const other = await generateKeyPair('p256');
    const forged = Buffer.from(block.der);
    forged.set(other.spki.subarray(-64), forged.indexOf(Buffer.from(mine.key.spki.subarray(-64))));
    const csr = `-----BEGIN CERTIFICATE REQUEST-----\n${forged.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    const issue = (request: string) =>
      issueForAdmin(domain.context, { name: 'thief', profile: 'client', sans: [], csr: request }, local);
    const codeOf = (outcome: Awaited<ReturnType<typeof issue>>): string => (outcome.ok ? 'ok' : outcome.code);
    assert.equal(codeOf(await issue(csr)), 'csr_signature');
    // One among many, when others' requests are checked on other threads.
    const codes = (await Promise.all([mine.csr, mine.csr, mine.csr, csr, mine.csr, csr].map(issue))).map(codeOf);
    assert.deepEqual(codes, ['ok', 'ok', 'ok', 'csr_signature', 'ok', 'csr_signature']);
  });

  it('takes a request whose ECDSA has NULL as parameters, as Mbed TLS 2 writes it', async () => {
    const { csr } = await newRequest();
    const octets = Buffer.from(pemDecode(csr)[0]?.der ?? []);
    const without = Buffer.from('300a06082a8648ce3d040302', 'hex');
    const at = octets.lastIndexOf(without);
    const withNull = Buffer.from('300c06082a8648ce3d0403020500', 'hex');
    const content = Buffer.concat([octets.subarray(3, at), withNull, octets.subarray(at + without.length)]);
    const whole = Buffer.concat([Buffer.of(0x30, 0x81, content.length), content]);
    const pem = pemEncode('CERTIFICATE REQUEST', whole);
    assert.equal(octets[1], 0x81);
    const outcome = await issueForAdmin(domain.context, { name: 'mbed', profile: 'device', sans: [], csr: pem }, local);
    assert.equal(outcome.ok ? 'ok' : outcome.detail, 'ok');
  });

  it('refuses what is no request', async () => {
    for (const csr of [
      '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n',
      'nothing',
      '',
    ]) {
      const outcome = await issueForAdmin(domain.context, { name: 'x', profile: 'client', sans: [], csr }, local);
      assert.equal(outcome.ok ? 'ok' : outcome.code, 'csr_invalid');
    }
  });

  it("refuses a CA's own key", async () => {
    const [issuer] = domain.cas.issuing;
    assert.ok(issuer);
    const csr = pemEncode(
      'CERTIFICATE REQUEST',
      await buildCsr({ subject: buildName([{ type: 'CN', value: 'ca' }]) }, issuer.signer),
    );
    const outcome = await issueForAdmin(domain.context, { name: 'ca', profile: 'client', sans: [], csr }, local);
    assert.equal(outcome.ok ? 'ok' : outcome.code, 'key_not_allowed');
  });

  it('refuses names that only the request itself asks for', async () => {
    const { csr } = await newRequest('p256', [{ type: 'dns', value: 'sneaky.example' }]);
    const outcome = await issueForAdmin(domain.context, { name: 'honest', profile: 'client', sans: [], csr }, local);
    assert.equal(outcome.ok ? 'ok' : outcome.code, 'name_not_proven');
  });

  it('never certifies the key of a revoked certificate again', async () => {
    const { csr } = await newRequest();
    const request = { name: 'lost', profile: 'client' as const, sans: [], csr };
    assert.ok((await issueForAdmin(domain.context, request, local)).ok);
    assert.ok((await issueForAdmin(domain.context, request, local)).ok, 'the same key again, while it is good');
    const target = { by: 'name', name: 'lost' } as const;
    assert.ok((await revoke(domain.store, domain.clock.now(), target, 'keyCompromise', local)).ok);
    const again = await issueForAdmin(domain.context, { ...request, name: 'other' }, local);
    assert.equal(again.ok ? 'ok' : again.code, 'key_revoked');
  });

  // A reason that puts the holder in doubt blocks its names besides its key; any other bars the key alone.
  for (const [reason, ofRenewal] of [
    ['superseded', 'renewal_refused'],
    ['keyCompromise', 'identity_blocked'],
  ] as const) {
    it(`does not store what was revoked as ${reason} while it was being signed`, async () => {
      const [issuer] = domain.cas.issuing;
      assert.ok(issuer);
      // The revocation comes in after every check and before the certificate is stored.
      const racingWith = (name: string): typeof domain.context => {
        const sign = async (data: Uint8Array): Promise<Uint8Array> => {
          await revoke(domain.store, domain.clock.now(), { by: 'name', name }, reason, local);
          return issuer.signer.sign(data);
        };
        const cas = { ...domain.cas, issuing: [{ ...issuer, signer: { ...issuer.signer, sign } }] };
        return { ...domain.context, cas: () => cas };
      };
      const stored = async (name: string): Promise<number> =>
        (await domain.store.certificatesByName(name, domain.clock.now())).length;

      const racer = `racer-${reason.toLowerCase()}`;
      const request = { name: racer, profile: 'client' as const, sans: [], csr: (await newRequest()).csr };
      assert.ok((await issueForAdmin(domain.context, request, local)).ok);
      const again = await issueForAdmin(racingWith(racer), request, local);
      assert.equal(again.ok ? 'ok' : again.code, 'key_revoked');
      assert.equal(await stored(racer), 1);

      const renewer = `renewer-${reason.toLowerCase()}`;
      const current = await domain.issued(renewer);
      const renewed = await renew(racingWith(renewer), current, (await newRequest()).csr);
      assert.equal(renewed.ok ? 'ok' : renewed.code, ofRenewal);
      assert.equal(await stored(renewer), 1);
    });
  }

  it('gives a gateway server certificates for its own names only', async () => {
    const sans = [
      { type: 'dns', value: 'edge.example' },
      { type: 'ip', value: '10.1.1.1' },
    ] satisfies San[];
    const gateway = await domain.issued('edge', 'gateway', { sans });
    const ask = async (name: string, wanted: San[], extra: object = {}) => {
      const { csr } = await newRequest();
      const outcome = await issueForGateway(
        domain.context,
        { name, profile: 'server', sans: wanted, csr, ...extra },
        gateway,
      );
      return outcome.ok ? 'ok' : outcome.code;
    };
    assert.equal(await ask('edge.example', sans), 'ok');
    assert.equal(await ask('10.1.1.1', []), 'ok');
    assert.equal(await ask('other.example', []), 'name_not_proven');
    assert.equal(await ask('edge.example', [{ type: 'uri', value: 'https://edge.example' }]), 'name_not_proven');
    assert.equal(await ask('edge.example', [], { profile: 'admin' }), 'forbidden');
    assert.equal(await ask('edge.example', [], { lifetimeSeconds: 366 * 86_400 }), 'forbidden');
    assert.ok((await revoke(domain.store, domain.clock.now(), { by: 'name', name: 'edge' }, 'superseded', local)).ok);
    assert.equal(await ask('edge.example', sans), 'forbidden');
  });

  it('writes an audit chain in which any change shows', async () => {
    assert.equal(await findAuditBreak(domain.store), undefined);
    const records = await domain.store.auditAfter(0, 5);
    assert.ok(records.length >= 2);
    domain.place.raw(`update audit set details = '{"name":"somebody else"}' where seq = 2`);
    assert.equal(await findAuditBreak(domain.store), 2);
    domain.place.raw(`update audit set details = '${JSON.stringify(records[1]?.details)}' where seq = 2`);
    assert.equal(await findAuditBreak(domain.store), undefined);
  });
});

describeOnEachStore('issued names', () => {
  let domain: TestDomain;
  let key: Awaited<ReturnType<typeof generateKeyPair>>;
  before(async () => {
    domain = await testDomain();
    key = await generateKeyPair('p256');
  });
  after(() => domain[Symbol.asyncDispose]());

  const text = {
    dns: fc.constantFrom(
      'a.example',
      'A.EXAMPLE',
      '*.a.example',
      'b.example',
      'a.example.',
      'a..example',
      'bücher.example',
      'xn--bcher-kva.example',
      'a\0.example',
      '*',
      'x_y.example',
    ),
    ip: fc.constantFrom('10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1', '2001:DB8:0::1', '10.0.0.01', '0.0.0.0'),
    uri: fc.constantFrom(
      'spiffe://a.example/x',
      'spiffe://a.example/../x',
      'https://a.example',
      'HTTPS://a.example',
      'https://b.example/%00',
    ),
    email: fc.constantFrom('u@a.example', 'U@a.example', 'u@A.example', 'u@b.example', 'u\0@a.example'),
  };
  const san: fc.Arbitrary<San> = fc.oneof(
    ...(['dns', 'ip', 'uri', 'email'] as const).map((type) =>
      fc.record({ type: fc.constant(type), value: text[type] }),
    ),
  );
  const cn = fc.constantFrom('a.example', 'demo', 'DEMO', '10.0.0.1', 'a\u0000b');

  function requestedName({ type, value }: San): GeneralName[] {
    // What ASCII cannot hold no request can carry.
    if (Buffer.byteLength(value) !== value.length) return [];
    const address = parseIpAddress(value);
    if (type === 'ip') return address === undefined ? [] : [{ type, value: address }];
    return [{ type, value }];
  }

  it('are a subset of the proven ones, whatever is asked for and wherever', async () => {
    let issued = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('cn' as const), cn), { maxLength: 2 }),
        fc.array(san, { maxLength: 4 }),
        cn,
        fc.array(san, { maxLength: 3 }),
        fc.array(san, { maxLength: 2 }),
        fc.constantFrom('server', 'peer', 'client', 'device', 'person', 'admin', 'gateway'),
        async (provenNames, provenSans, name, sans, csrSans, profile) => {
          const parsed = [
            ...provenNames.map(([type, value]) => parseTypedName(type, value)),
            ...provenSans.map((one) => parseTypedName(one.type, one.value)),
          ];
          const proven = nameSet(parsed.filter((one): one is TypedName => !('malformed' in one)));
          const csr = await csrOf(key, csrSans.flatMap(requestedName), 'evil.example');
          const outcome = await issue(domain.context, proven, {
            name,
            profile,
            sans,
            csr,
            actor: local,
            action: 'certificate.issued',
            approval: 'given',
          });
          if (!outcome.ok) return;
          issued += 1;
          const leaf = leafOf(outcome.issued.certificate);
          const names = namesOfCertificate(leaf);
          assert.ok(!('malformed' in names));
          assert.deepEqual(namesNotProven(names, proven), []);
          // Nothing that was asked for and granted is missing either.
          const wanted = [parseTypedName('cn', name), ...sans.map((one) => parseTypedName(one.type, one.value))];
          assert.deepEqual(
            namesNotProven(nameSet(wanted.filter((one): one is TypedName => !('malformed' in one))), names),
            [],
          );
        },
      ),
      {
        numRuns: 400,
        examples: [
          [
            [['cn', 'demo']],
            [{ type: 'dns', value: 'a.example' }],
            'demo',
            [{ type: 'dns', value: 'A.EXAMPLE' }],
            [],
            'client',
          ],
          [[['cn', 'a.example']], [{ type: 'dns', value: 'a.example' }], 'a.example', [], [], 'server'],
          [[['cn', 'a.example']], [], 'a.example', [], [], 'server'],
        ],
      },
    );
    assert.ok(issued > 0, 'some requests were granted');
  });
});
