import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { parseCertificate, pemDecode } from '@countersign/pki';
import type { GeneralName } from '@countersign/pki';
import { generateKeyPair } from '@countersign/trust';
import type { AcmeTestClient } from '@countersign/testkit';
import { acmeCsr, acmeTest, dns, enrolled, problemType, sharedAcme } from '../../support/acme.ts';
import type { AcmeTest } from '../../support/acme.ts';

describe('an order of names that an administrator vouches for', () => {
  let acme: AcmeTest;
  let client: AcmeTestClient;
  before(async () => {
    acme = await sharedAcme();
    const preauthorized = [
      'dns:.pre.test',
      'dns:*.wild.test',
      'dns:pre.test',
      'ip:10.1.0.0/16',
      'dns:xn--bcher-kva.test',
    ];
    client = await acme.registered(await acme.externalKey({ preauthorized }));
  });
  const leafOf = (chain: string) => parseCertificate(pemDecode(chain)[0]?.der ?? new Uint8Array());

  it('is ready at once, and gets a certificate with exactly its names', async () => {
    const names = [
      dns('B.pre.test'),
      dns('a.pre.test'),
      dns('*.wild.test'),
      { type: 'ip', value: '10.1.2.3' } as const,
    ];
    const { chain, order } = await enrolled(client, names);
    const leaf = leafOf(chain);
    assert.deepEqual(leaf.subjectAltName, [
      { type: 'dns', value: 'b.pre.test' },
      { type: 'dns', value: 'a.pre.test' },
      { type: 'dns', value: '*.wild.test' },
      { type: 'ip', value: Uint8Array.of(10, 1, 2, 3) },
    ]);
    assert.equal(pemDecode(chain).length, 2);
    assert.equal(leaf.profile, 'server');
    const { body } = await client.post(order);
    assert.equal(body.status, 'valid');
    assert.deepEqual(body.identifiers[2], { type: 'dns', value: '*.wild.test' });
    const authorization = (await client.post(body.authorizations[2])).body;
    assert.deepEqual(
      [authorization.status, authorization.identifier, authorization.wildcard],
      ['valid', { type: 'dns', value: 'wild.test' }, true],
    );
  });

  it('is finalized by a request for exactly its names, wherever these stand in it', async () => {
    const email: GeneralName = { type: 'email', value: 'root@a.pre.test' };
    const uri: GeneralName = { type: 'uri', value: 'spiffe://pre.test/a' };
    const faults: [GeneralName[], string | undefined][] = [
      [[dns('a.pre.test')], undefined],
      [[dns('a.pre.test'), dns('b.pre.test'), dns('c.pre.test')], undefined],
      [[dns('a.pre.test'), dns('b.pre.test')], 'c.pre.test'],
      [[dns('a.pre.test'), dns('b.pre.test')], 'not a host'],
      [[dns('a.pre.test'), dns('b.pre.test'), email], undefined],
      [[dns('a.pre.test'), dns('b.pre.test'), uri], undefined],
      [[dns('a.pre.test'), dns('b.pre.test'), { type: 'ip', value: Uint8Array.of(10, 1, 0, 1) }], undefined],
      [[dns('a.pre.test'), dns('*.pre.test')], undefined],
      [[dns('a.pre.test'), dns('b.pre.test.')], undefined],
      [[dns('a.pre.test'), dns('b.pre.test\0.evil.test')], undefined],
      [[], undefined],
    ];
    const order = await client.order([dns('a.pre.test'), dns('b.pre.test')]);
    for (const [names, commonName] of faults) {
      const answer = await client.post(order.body.finalize, { csr: await acmeCsr(names, commonName) });
      assert.equal(problemType(answer), 'badCSR', answer.text);
    }
    assert.equal((await client.post(order.headers.location ?? '')).body.status, 'ready');
    const csr = await acmeCsr([dns('B.PRE.test')], 'a.pre.test');
    const final = await client.post(order.body.finalize, { csr });
    assert.equal(final.body.status, 'valid', final.text);
  });

  it("refuses what is no request, its account's own key, a weak key and one that was revoked", async () => {
    const order = await client.order([dns('a.pre.test')]);
    const send = async (csr: unknown) => problemType(await client.post(order.body.finalize, { csr }));
    for (const csr of [undefined, 7, '', 'AAAA', '====', 'x'.repeat(90_000)]) {
      assert.match(String(await send(csr)), /^(?:malformed|badCSR)$/u);
    }
    const good = await acmeCsr([dns('a.pre.test')]);
    assert.equal(await send(`${good.slice(0, -8)}AAAAAAAA`), 'badCSR');
    const accountKey = { privateKey: client.key.privateKey } as Awaited<ReturnType<typeof generateKeyPair>>;
    assert.equal(await send(await acmeCsr([dns('a.pre.test')], undefined, accountKey)), 'badCSR');
    const key = await generateKeyPair('p256');
    const { chain } = await enrolled(client, [dns('revoked.pre.test')], { key });
    const revoked = await acme.ask('POST', '/v1/revocations', { certificate: chain, reason: 'keyCompromise' });
    assert.equal(revoked.status, 200);
    assert.equal(await send(await acmeCsr([dns('a.pre.test')], undefined, key)), 'badCSR');
    assert.equal(await send(good), undefined);
  });

  it('is finalized once: of any number of requests at once one gets a certificate', async () => {
    const order = await client.order([dns('once.pre.test')]);
    const clients = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const other = await acme.client(client.key);
        other.account = client.account;
        return other;
      }),
    );
    const answers = await Promise.all(
      clients.map(async (one) => one.post(order.body.finalize, { csr: await acmeCsr([dns('once.pre.test')]) })),
    );
    for (const one of clients) one[Symbol.dispose]();
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      assert.deepEqual([answer.status, problemType(answer)], [403, 'orderNotReady']);
    }
    const { certificates } = (await acme.ask('GET', '/v1/certificates?name=once.pre.test')).body;
    assert.equal(certificates.length, 1);
  });

  it('is nobody else’s to see', async () => {
    using other = await acme.registered();
    const { order } = await enrolled(client, [dns('mine.pre.test')]);
    const { body } = await client.post(order);
    for (const url of [order, ...body.authorizations, body.certificate, `${order}x`]) {
      const answer = await other.post(url);
      assert.deepEqual([answer.status, problemType(answer)], [404, 'malformed'], url);
    }
    const csr = await acmeCsr([dns('mine.pre.test')]);
    assert.equal((await other.post(body.finalize, { csr })).status, 404);
  });

  it('asks for names that are of a kind, well-formed, and within what the key allows', async () => {
    const faults: [unknown, string][] = [
      [undefined, 'malformed'],
      [[], 'malformed'],
      ['a.pre.test', 'malformed'],
      [[null], 'malformed'],
      [[{ type: 'dns' }], 'malformed'],
      [Array.from({ length: 101 }, (_, i) => dns(`n${i}.pre.test`)), 'malformed'],
      [[{ type: 'email', value: 'a@pre.test' }], 'unsupportedIdentifier'],
      [[{ type: 'DNS', value: 'a.pre.test' }], 'unsupportedIdentifier'],
      [[{ type: '__proto__', value: 'a.pre.test' }], 'unsupportedIdentifier'],
    ];
    for (const [identifiers, type] of faults) {
      const answer = await client.post(client.directory.newOrder, { identifiers });
      assert.equal(problemType(answer), type, answer.text);
    }
    const rejected = [
      '',
      '.',
      'pre',
      'a..pre.test',
      '.pre.test',
      'a.pre.test.',
      '*.*.pre.test',
      'a.*.pre.test',
      '*a.pre.test',
      '*',
      '*.test',
      'a.pre.test\0',
      'a.pre.test\0.evil.test',
      'a b.pre.test',
      'bücher.test',
      'xn--a.pre.test',
      'xn--.pre.test',
      'ab--cd.pre.test',
      'a.pre.test,b.pre.test',
      '10.1.2.3',
      '1.2.3.4.5',
      `${'a'.repeat(64)}.pre.test`,
      `${'a.'.repeat(130)}pre.test`,
      'other.test',
      'apre.test',
      'wild.test',
      'a.wild.test',
    ];
    for (const value of rejected) {
      const answer = await client.order([dns(value)]);
      assert.equal(problemType(answer), 'rejectedIdentifier', `${value}: ${answer.text}`);
      assert.deepEqual(answer.body.subproblems?.[0]?.identifier ?? dns(value), dns(value));
    }
    const addresses = [
      '',
      'x',
      '10.1.2',
      '10.1.2.3/32',
      '::ffff:10.1.2.3',
      '10.1.2.300',
      '010.1.2.3',
      '10.2.0.1',
      'fe80::1%eth0',
    ];
    for (const value of addresses) {
      assert.equal(problemType(await client.order([{ type: 'ip', value }])), 'rejectedIdentifier', value);
    }
  });

  it('tells what is wrong with each name', async () => {
    const answer = await client.order([dns('a.pre.test'), dns('a..b'), { type: 'email', value: 'x@y' }]);
    assert.equal(problemType(answer), 'rejectedIdentifier');
    assert.deepEqual(
      answer.body.subproblems.map(({ type, identifier }: { type: string; identifier: object }) => [type, identifier]),
      [
        ['urn:ietf:params:acme:error:rejectedIdentifier', dns('a..b')],
        ['urn:ietf:params:acme:error:unsupportedIdentifier', { type: 'email', value: 'x@y' }],
      ],
    );
  });

  it('takes an IDN as its A-labels', async () => {
    const { chain } = await enrolled(client, [dns('XN--bcher-kva.test')]);
    assert.deepEqual(leafOf(chain).subjectAltName, [{ type: 'dns', value: 'xn--bcher-kva.test' }]);
  });

  it('may ask for less time than the profile gives, and for no more', async () => {
    const day = 86_400_000;
    const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
    const notAfter = at(2 * day);
    const { chain } = await enrolled(client, [dns('short.pre.test')], { order: { notAfter } });
    assert.equal(Math.floor(leafOf(chain).notAfter / 1000), Math.floor(Date.parse(notAfter) / 1000));
    const notBefore = at(day);
    const later = await enrolled(client, [dns('later.pre.test')], { order: { notBefore } });
    const leaf = leafOf(later.chain);
    assert.equal(leaf.notBefore, Math.floor(Date.parse(notBefore) / 1000) * 1000);
    assert.equal(leaf.notAfter - leaf.notBefore, 30 * day);
    const faults = [
      { notAfter: at(31 * day) },
      { notAfter: at(-day) },
      { notBefore: at(-day) },
      { notBefore: at(40 * day) },
      { notBefore: at(2 * day), notAfter: at(day) },
      { notAfter: 'tomorrow' },
      { notAfter: 7 },
      { notAfter: '2027-13-45T99:99:99Z' },
    ];
    for (const one of faults) {
      assert.equal(problemType(await client.order([dns('a.pre.test')], one)), 'malformed', JSON.stringify(one));
    }
  });

  it('gets the profile of its external account key, and no other', async () => {
    const key = await acme.externalKey({ preauthorized: ['dns:.pre.test'], profile: 'client' });
    using device = await acme.registered(key);
    const { chain } = await enrolled(device, [dns('one.pre.test')], { order: { profile: 'client' } });
    assert.equal(leafOf(chain).profile, 'client');
    assert.deepEqual(leafOf(chain).extendedKeyUsage, ['1.3.6.1.5.5.7.3.2']);
    for (const profile of ['server', 'admin', 'gateway', 'x', 7, null]) {
      assert.equal(problemType(await device.order([dns('one.pre.test')], { profile })), 'invalidProfile');
    }
    assert.equal(problemType(await device.order([dns('*.pre.test')])), 'rejectedIdentifier');
    const named = await client.order([dns('a.pre.test')], { profile: 'server' });
    assert.equal(named.body.profile, 'server');
    assert.equal('profile' in (await client.order([dns('a.pre.test')])).body, false);
    for (const profile of ['admin', 'gateway', 'person']) {
      const answer = await acme.ask('POST', '/v1/acme-keys', { name: 'x', profile });
      assert.deepEqual([answer.status, answer.body.code], [403, 'profile_forbids']);
    }
  });

  it('is refused for a profile that is not offered, and without a key where one is asked for by now', async () => {
    await using narrow = await acmeTest({ profiles: ['client'] });
    using plain = await narrow.registered();
    assert.equal(problemType(await plain.order([dns('a.test')])), 'invalidProfile');
  });

  it('is one of a bounded number that an account has under way', async () => {
    using busy = await acme.registered();
    for (let i = 0; i < 300; i++) await busy.order([dns('a.test')]);
    const answer = await busy.order([dns('a.test')]);
    assert.deepEqual([answer.status, problemType(answer)], [429, 'rateLimited']);
    assert.ok(Number(answer.headers['retry-after']) > 0);
  });
});
