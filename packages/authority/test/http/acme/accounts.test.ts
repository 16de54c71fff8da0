import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { accountKey, externalBinding, signJwsObject } from '@countersign/testkit';
import { acmeTest, dns, problemType, sharedAcme } from '../../support/acme.ts';
import type { AcmeTest } from '../../support/acme.ts';

describe('an account', () => {
  let acme: AcmeTest;
  before(async () => {
    acme = await sharedAcme();
  });

  for (const kind of ['P-256', 'P-384', 'Ed25519', 'RSA'] as const) {
    it(`is made for a key of kind ${kind}, once`, async () => {
      using client = await acme.client(accountKey(kind));
      const made = await client.register({ contact: ['mailto:ops@example.test'], termsOfServiceAgreed: true });
      assert.equal(made.status, 201, made.text);
      assert.deepEqual(made.body, {
        status: 'valid',
        contact: ['mailto:ops@example.test'],
        termsOfServiceAgreed: true,
        orders: `${made.headers.location}/orders`,
      });
      const again = await client.register({ contact: ['mailto:other@example.test'] });
      assert.deepEqual([again.status, again.headers.location], [200, made.headers.location]);
      assert.deepEqual(again.body, made.body);
      const only = await client.register({ onlyReturnExisting: true });
      assert.deepEqual([only.status, only.headers.location], [200, made.headers.location]);
    });
  }

  it('is not made for who only asks whether there is one', async () => {
    using client = await acme.client();
    assert.equal(problemType(await client.register({ onlyReturnExisting: true })), 'accountDoesNotExist');
  });

  it('is one, for any number of requests with one key at once', async () => {
    const key = accountKey();
    const clients = await Promise.all(Array.from({ length: 20 }, () => acme.client(key)));
    const answers = await Promise.all(clients.map((client) => client.register()));
    assert.equal(new Set(answers.map(({ headers }) => headers.location)).size, 1);
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [...Array.from({ length: 19 }, () => 200), 201],
    );
    for (const client of clients) client[Symbol.dispose]();
  });

  it('has a key that is public and strong', async () => {
    using client = await acme.client();
    const { jwk } = client.key;
    const weak = accountKey('RSA').jwk;
    const n = String(weak['n']);
    const faults: [unknown, string][] = [
      [{ ...jwk, d: 'AAAA' }, 'malformed'],
      [{ kty: 'oct', k: 'AAAA' }, 'malformed'],
      [{ ...jwk, crv: 'P-521' }, 'badPublicKey'],
      [{ ...jwk, crv: 'secp256k1' }, 'badPublicKey'],
      [{ ...jwk, x: jwk['y'] }, 'badPublicKey'],
      [{ ...jwk, x: `${String(jwk['x'])}AA` }, 'badPublicKey'],
      [{ ...jwk, x: 7 }, 'badPublicKey'],
      [{ ...weak, n: n.slice(0, 172) }, 'badPublicKey'],
      [{ ...weak, n: n.repeat(9) }, 'badPublicKey'],
      [{ ...weak, e: 'AQ' }, 'badPublicKey'],
      [{}, 'badPublicKey'],
      [[jwk], 'malformed'],
      ['x', 'malformed'],
      [null, 'malformed'],
    ];
    for (const [one, type] of faults) {
      const url = String(client.directory.newAccount);
      const header = { alg: 'ES256', nonce: await client.nonce(), url, jwk: one };
      const answer = await client.send('POST', url, JSON.stringify(signJwsObject(header, {}, client.key)));
      assert.equal(problemType(answer), type, JSON.stringify(one));
    }
  });

  it('has contacts that are one address each', async () => {
    using client = await acme.client();
    const faults: [unknown, string][] = [
      [['tel:+1'], 'unsupportedContact'],
      [['mailto:a@example.test,b@example.test'], 'invalidContact'],
      [['mailto:a@example.test?subject=x'], 'invalidContact'],
      [['mailto:'], 'invalidContact'],
      [[7], 'malformed'],
      ['mailto:a@example.test', 'malformed'],
      [Array.from({ length: 11 }, () => 'mailto:a@example.test'), 'malformed'],
    ];
    for (const [contact, type] of faults) assert.equal(problemType(await client.register({ contact })), type);
  });

  it('is read and changed by itself only', async () => {
    using client = await acme.registered();
    using other = await acme.registered();
    assert.equal((await client.post(client.account)).body.status, 'valid');
    const contact = ['mailto:new@example.test'];
    assert.deepEqual((await client.post(client.account, { contact })).body.contact, contact);
    assert.deepEqual((await client.post(client.account)).body.contact, contact);
    assert.equal(problemType(await other.post(client.account)), 'unauthorized');
    assert.equal(problemType(await other.post(client.account, { status: 'deactivated' })), 'unauthorized');
    assert.equal(problemType(await other.post(`${client.account}/orders`)), 'unauthorized');
    assert.equal(problemType(await client.post(client.account, { status: 'revoked' })), 'malformed');
  });

  it('does nothing any more once it was deactivated, and its key gets no other', async () => {
    using client = await acme.registered();
    assert.equal((await client.post(client.account, { status: 'deactivated' })).body.status, 'deactivated');
    assert.equal(problemType(await client.order([dns('a.test')])), 'unauthorized');
    assert.equal(problemType(await client.post(client.account)), 'unauthorized');
    assert.equal(problemType(await client.register()), 'unauthorized');
  });

  it('lists its orders in pages', async () => {
    using client = await acme.registered();
    const made: (string | undefined)[] = [];
    for (let i = 0; i < 103; i++) made.push((await client.order([dns(`n${i}.test`)])).headers.location);
    const first = await client.post(`${client.account}/orders`);
    const next = /<(?<url>[^>]+)>;rel="next"/u.exec(String(first.headers['link']))?.groups?.['url'] ?? '';
    const second = await client.post(next);
    assert.equal(first.body.orders.length, 100);
    assert.deepEqual(new Set([...first.body.orders, ...second.body.orders]), new Set(made));
    assert.doesNotMatch(String(second.headers['link']), /next/u);
  });

  it('agrees to the terms and shows an external account key, where these are asked for', async () => {
    const termsOfService = 'https://example.test/terms';
    await using strict = await acmeTest({ termsOfService, requireEab: true });
    using client = await strict.client();
    const disagreed = await client.register();
    assert.deepEqual([disagreed.status, problemType(disagreed)], [403, 'userActionRequired']);
    assert.match(String(disagreed.headers['link']), /<https:\/\/example.test\/terms>;rel="terms-of-service"/u);
    assert.equal(disagreed.body.instance, termsOfService);
    const agreed = { termsOfServiceAgreed: true };
    assert.equal(problemType(await client.register(agreed)), 'externalAccountRequired');
    assert.equal((await client.register(agreed, await strict.externalKey())).status, 201);
  });

  it('gets another key, which the old one and the new one sign for', async () => {
    using client = await acme.registered();
    const next = accountKey('Ed25519');
    const url = String(client.directory.keyChange);
    const inner = (more: object = {}, header: object = {}, key = next) =>
      signJwsObject(
        { alg: key.algorithm, jwk: key.jwk, url, ...header },
        { account: client.account, oldKey: client.key.jwk, ...more },
        key,
      );
    using other = await acme.registered();
    const faults: [object, string][] = [
      [inner({ oldKey: other.key.jwk }), 'malformed'],
      [inner({ account: other.account }), 'malformed'],
      [inner({}, { url: client.directory.newOrder }), 'malformed'],
      [inner({}, { nonce: 'x' }), 'malformed'],
      [inner({}, { jwk: undefined, kid: client.account }), 'malformed'],
      [{ ...inner(), signature: inner({}, {}, accountKey()).signature }, 'malformed'],
      [{}, 'malformed'],
    ];
    for (const [body, type] of faults) assert.equal(problemType(await client.post(url, body)), type);
    const taken = await client.post(url, inner({}, {}, other.key));
    assert.deepEqual([taken.status, taken.headers.location], [409, other.account]);
    assert.equal((await client.post(url, inner())).status, 200);
    assert.equal(problemType(await client.post(client.account)), 'malformed');
    using moved = await acme.client(next);
    moved.account = client.account;
    assert.equal((await moved.post(client.account)).body.status, 'valid');
  });

  it('is bound by whoever holds an external account key, for itself, once where that is said', async () => {
    const key = await acme.externalKey({ accounts: 1 });
    using client = await acme.client();
    const url = String(client.directory.newAccount);
    const good = externalBinding(key, client.key, url) as Record<string, string>;
    const faults: [unknown, string][] = [
      [externalBinding({ ...key, hmacKey: 'AAAA' }, client.key, url), 'unauthorized'],
      [externalBinding({ ...key, id: 'nobody' }, client.key, url), 'unauthorized'],
      [externalBinding(key, accountKey(), url), 'malformed'],
      [externalBinding(key, client.key, client.directory.newOrder), 'malformed'],
      [{ ...good, payload: '' }, 'unauthorized'],
      [{ ...good, signature: '' }, 'unauthorized'],
      [signJwsObject({ alg: 'ES256', kid: key.id, url }, client.key.jwk, client.key), 'badSignatureAlgorithm'],
      ['x', 'malformed'],
    ];
    for (const [binding, type] of faults) {
      assert.equal(problemType(await client.register({ externalAccountBinding: binding })), type);
    }
    using taken = await acme.client();
    const atOnce = await Promise.all([client.register({}, key), taken.register({}, key)]);
    assert.deepEqual(
      atOnce.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 403],
    );
  });

  it('orders nothing more when its external account key was removed', async () => {
    const key = await acme.externalKey({ preauthorized: ['dns:removed.test'] });
    using client = await acme.registered(key);
    const order = await client.order([dns('removed.test')]);
    assert.equal(order.body.status, 'ready');
    assert.equal((await acme.ask('POST', '/v1/acme-keys/removals', { id: key.id })).status, 200);
    assert.equal(problemType(await client.order([dns('removed.test')])), 'unauthorized');
    assert.equal((await acme.ask('POST', '/v1/acme-keys/removals', { id: key.id })).status, 404);
    const { keys } = (await acme.ask('GET', '/v1/acme-keys')).body;
    assert.ok(!keys.some(({ id }: { id: string }) => id === key.id) && !('hmacKey' in (keys[0] ?? {})));
  });
});
