import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { call } from '../../support/client.ts';
import { sClient, without } from '@countersign/testkit';
import { acmeTest, problemType, sharedAcme } from '../../support/acme.ts';
import type { AcmeTest } from '../../support/acme.ts';

describe('the directory of ACME', () => {
  let acme: AcmeTest;
  before(async () => {
    acme = await sharedAcme();
  });

  it('names every resource below the URL that the client came by', async () => {
    using client = await acme.client();
    const { directory } = client;
    const base = new URL('.', acme.directory).href;
    assert.equal(directory.newNonce, `${base}new-nonce`);
    assert.deepEqual(Object.keys(directory), [
      'newNonce',
      'newAccount',
      'newOrder',
      'revokeCert',
      'keyChange',
      'renewalInfo',
      'meta',
    ]);
    assert.equal(directory.meta.externalAccountRequired, false);
    assert.deepEqual(Object.keys(directory.meta.profiles), ['server', 'peer', 'client', 'device']);
    const byName = acme.directory.replace('127.0.0.1', 'localhost');
    assert.equal((await client.send('GET', byName)).body.newOrder, byName.replace('directory', 'new-order'));
  });

  it('is on a listener that asks for no client certificate', { skip: without('openssl') }, async () => {
    const { output } = await sClient({ port: Number(new URL(acme.directory).port) });
    assert.match(output, /No client certificate CA names sent/u);
    assert.match(output, /Countersign Issuing CA/u);
  });

  it('gives out nonces by HEAD (200) and GET (204), each another', async () => {
    using client = await acme.client();
    const head = await client.send('HEAD', client.directory.newNonce);
    const get = await client.send('GET', client.directory.newNonce);
    assert.deepEqual([head.status, get.status], [200, 204]);
    assert.match(String(head.headers['replay-nonce']), /^[\w-]{46}$/u);
    assert.notEqual(head.headers['replay-nonce'], get.headers['replay-nonce']);
    assert.equal(get.headers['cache-control'], 'no-store');
    assert.equal(get.headers['link'], `<${acme.directory}>;rel="index"`);
  });

  it('answers for its own names only, whatever Host says', async () => {
    const answer = await call(acme.enroll, 'GET', '/acme/directory', undefined, { host: 'ca.evil.example' });
    assert.equal(answer.status, 421);
    assert.match(answer.text, /urn:ietf:params:acme:error:malformed/u);
  });

  it('tells what is not there and what cannot be done there', async () => {
    using client = await acme.client();
    const nothing = await client.send('GET', new URL('nothing', acme.directory).href);
    assert.deepEqual([nothing.status, problemType(nothing)], [404, 'malformed']);
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await client.send(method, client.directory.newOrder);
      assert.equal(answer.status, 405, method);
      assert.equal(answer.headers.allow, 'POST');
    }
    const json = await client.send('POST', client.directory.newOrder, '{}', { 'content-type': 'application/json' });
    assert.deepEqual([json.status, problemType(json)], [415, 'malformed']);
    const elsewhere = await client.send('GET', new URL('/v1/status', acme.directory).href);
    assert.deepEqual([elsewhere.status, elsewhere.body.code], [404, 'not_found']);
  });

  it('asks for agreement to terms, and for an external account key where that is configured', async () => {
    const termsOfService = 'https://example.test/terms';
    await using strict = await acmeTest({ termsOfService, requireEab: true, publicUrl: 'https://acme.example.test' });
    using client = await strict.client();
    assert.equal(client.directory.newAccount, 'https://acme.example.test/acme/new-account');
    assert.deepEqual(
      [client.directory.meta.termsOfService, client.directory.meta.externalAccountRequired],
      [termsOfService, true],
    );
  });

  it('is not there where ACME is switched off', async () => {
    await using off = await acmeTest({ enabled: false });
    using client = await off.client();
    assert.equal(client.directory.code, 'not_found');
  });
});
