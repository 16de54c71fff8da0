import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { AcmeTestClient, accountKey, base64urlOf, signJwsObject } from '@countersign/testkit';
import { problemType, sharedAcme } from '../../support/acme.ts';
import type { AcmeTest } from '../../support/acme.ts';

/** Malice at the envelope: each of these is refused with its own type, and harms nobody. */
describe('a signed request', () => {
  let acme: AcmeTest;
  let client: AcmeTestClient;
  before(async () => {
    acme = await sharedAcme();
    client = await acme.registered();
  });

  const raw = async (body: string): Promise<string | undefined> =>
    problemType(await client.send('POST', client.directory.newOrder, body));
  const header = async (more: object = {}): Promise<Record<string, unknown>> => ({
    alg: 'ES256',
    nonce: await client.nonce(),
    url: client.directory.newOrder,
    kid: client.account,
    ...more,
  });
  const orderBody = { identifiers: [{ type: 'dns', value: 'a.test' }] };

  it('is one JSON object with three texts and nothing else', async () => {
    const good = signJwsObject(await header(), orderBody, client.key);
    const bodies: unknown[] = [
      '',
      'null',
      '[]',
      '"x"',
      '{',
      '{}',
      { ...good, header: { kid: client.account } },
      { ...good, signatures: [] },
      { payload: good.payload, signatures: [{ protected: good.protected, signature: good.signature }] },
      { ...good, payload: 7 },
      { ...good, protected: null },
      { ...good, signature: [good.signature] },
      `${good.protected}.${good.payload}.${good.signature}`,
      '['.repeat(50_000),
      `{"protected":${'['.repeat(20_000)}`,
    ];
    for (const body of bodies) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      assert.equal(await raw(text), 'malformed', text.slice(0, 80));
    }
    // None of them has used the nonce up.
    assert.equal((await client.send('POST', client.directory.newOrder, JSON.stringify(good))).status, 201);
  });

  it('is base64url in its one spelling', async () => {
    const good = signJwsObject(await header(), orderBody, client.key);
    const spellings = [
      { ...good, payload: `${good.payload}=` },
      { ...good, payload: ` ${good.payload}` },
      { ...good, payload: `${good.payload}\n` },
      { ...good, signature: good.signature.replaceAll('-', '+').replaceAll('_', '/') + '+' },
      { ...good, protected: `${good.protected}A` },
      { ...good, protected: Buffer.from([0xff, 0xfe]).toString('base64url') },
    ];
    for (const body of spellings) assert.equal(await raw(JSON.stringify(body)), 'malformed');
  });

  it('names its signer once, and nothing that is critical', async () => {
    const more: object[] = [
      { jwk: client.key.jwk },
      { kid: undefined },
      { kid: 7 },
      { crit: ['exp'], exp: 1 },
      { crit: ['b64'], b64: false },
      { b64: false },
      { alg: undefined },
      { url: undefined },
      { nonce: 7 },
    ];
    for (const one of more) {
      const signed = signJwsObject(await header(one), orderBody, client.key);
      assert.equal(await raw(JSON.stringify(signed)), 'malformed', JSON.stringify(one));
    }
  });

  it('is signed with one of four algorithms, which the refusal names', async () => {
    for (const alg of ['none', 'HS256', 'ES512', 'PS256', 'RS1', 'es256', '__proto__', '']) {
      const signed = signJwsObject(await header({ alg }), orderBody, client.key);
      const answer = await client.send('POST', client.directory.newOrder, JSON.stringify(signed));
      assert.equal(problemType(answer), 'badSignatureAlgorithm', alg);
      assert.deepEqual(answer.body.algorithms, ['ES256', 'ES384', 'EdDSA', 'RS256']);
    }
    const other = signJwsObject(await header({ alg: 'RS256' }), orderBody, client.key);
    assert.equal(await raw(JSON.stringify(other)), 'malformed');
  });

  it('is for the very URL that it comes to', async () => {
    const { newOrder, newAccount } = client.directory;
    const urls = [newAccount, `${newOrder}?x`, `${newOrder}/`, newOrder.replace('127.0.0.1', 'localhost'), 'x', ''];
    for (const url of urls) {
      const signed = signJwsObject(await header({ url }), orderBody, client.key);
      assert.equal(await raw(JSON.stringify(signed)), 'unauthorized', url);
    }
  });

  it('does not hold when anything of it is another', async () => {
    const good = signJwsObject(await header(), orderBody, client.key);
    const other = base64urlOf({ identifiers: [{ type: 'dns', value: 'b.test' }] });
    const byOther = signJwsObject(await header(), orderBody, accountKey());
    const asDer = Buffer.concat([Buffer.from([0x30]), Buffer.from(good.signature, 'base64url')]).toString('base64url');
    const all = [
      { ...good, payload: other },
      { ...good, payload: '' },
      { ...good, signature: '' },
      { ...good, signature: asDer },
      { ...good, signature: Buffer.alloc(64).toString('base64url') },
      byOther,
    ];
    for (const body of all) assert.equal(await raw(JSON.stringify(body)), 'malformed');
  });

  it('has a nonce of this authority that was not used: else there is a fresh one to try again with', async () => {
    const nonce = await client.nonce();
    const used = signJwsObject(await header({ nonce }), orderBody, client.key);
    assert.equal((await client.send('POST', client.directory.newOrder, JSON.stringify(used))).status, 201);
    const own = Buffer.from(nonce, 'base64url');
    own[13] = (own[13] ?? 0) ^ 1;
    const bads = [nonce, '', 'x', 'A'.repeat(46), own.toString('base64url'), `${nonce}A`, undefined];
    for (const bad of bads) {
      const signed = signJwsObject(await header({ nonce: bad }), orderBody, client.key);
      const answer = await client.send('POST', client.directory.newOrder, JSON.stringify(signed));
      assert.equal(problemType(answer), 'badNonce', String(bad));
      const again = signJwsObject(await header({ nonce: answer.headers['replay-nonce'] }), orderBody, client.key);
      assert.equal((await client.send('POST', client.directory.newOrder, JSON.stringify(again))).status, 201);
    }
  });

  it('names an account of this authority', async () => {
    const kids = [
      `${client.account}x`,
      client.account.replace('account', 'order'),
      client.account.replace('127.0.0.1', 'ca.evil.example'),
      client.account.split('/').at(-1) ?? '',
      '',
      `${client.account}?`,
      'x'.repeat(10_000),
    ];
    for (const kid of kids) {
      const signed = signJwsObject(await header({ kid }), orderBody, client.key);
      assert.equal(await raw(JSON.stringify(signed)), 'accountDoesNotExist', kid.slice(0, 80));
    }
    // By another of its names it is the same account.
    const kid = client.account.replace('127.0.0.1', 'localhost');
    const signed = signJwsObject(await header({ kid }), orderBody, client.key);
    assert.equal((await client.send('POST', client.directory.newOrder, JSON.stringify(signed))).status, 201);
  });

  it('is refused where a key would have to be known, or be brought', async () => {
    const byKey = signJwsObject(await header({ kid: undefined, jwk: client.key.jwk }), orderBody, client.key);
    assert.equal(await raw(JSON.stringify(byKey)), 'malformed');
    const url = client.directory.newAccount;
    const byAccount = signJwsObject(await header({ url }), {}, client.key);
    assert.equal(problemType(await client.send('POST', url, JSON.stringify(byAccount))), 'malformed');
  });

  it('is bounded in size', async () => {
    const answer = await client.send('POST', client.directory.newOrder, 'x'.repeat(600_000));
    assert.deepEqual([answer.status, problemType(answer)], [413, 'malformed']);
  });
});
