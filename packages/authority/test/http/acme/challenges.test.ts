import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { eventually } from '@countersign/testkit';
import type { AcmeResponse, AcmeTestClient } from '@countersign/testkit';
import { acmeCsr, dns, problemType, settled, sharedAcme } from '../../support/acme.ts';
import type { AcmeTest } from '../../support/acme.ts';

interface Challenge {
  readonly type: string;
  readonly url: string;
  readonly token: string;
}

describe('a challenge', () => {
  let acme: AcmeTest;
  let client: AcmeTestClient;
  before(async () => {
    acme = await sharedAcme();
    client = await acme.registered();
    acme.dns.set('www.test', { addresses: ['127.0.0.1'] });
  });

  const begin = async (
    name: { type: 'dns' | 'ip'; value: string },
    type: string,
  ): Promise<{ order: string; finalize: string; authz: string; challenge: Challenge; types: string[] }> => {
    const order = await client.order([name]);
    const authz: string = order.body.authorizations[0];
    const { challenges } = (await client.post(authz)).body as { challenges: Challenge[] };
    const challenge = challenges.find((one) => one.type === type) ?? { type, url: '', token: '' };
    const { finalize } = order.body;
    return {
      order: order.headers.location ?? '',
      finalize,
      authz,
      challenge,
      types: challenges.map((one) => one.type),
    };
  };
  const digest = (token: string): string =>
    createHash('sha256').update(client.keyAuthorization(token)).digest('base64url');
  const outcome = (authz: string): Promise<AcmeResponse> => settled(client, authz, 'pending');

  it('of http-01 is proven by the web server of the name', async () => {
    const { order, authz, challenge, finalize } = await begin(dns('www.test'), 'http-01');
    acme.answers.set(challenge.token, `${client.keyAuthorization(challenge.token)}\r\n`);
    const begun = await client.post(challenge.url, {});
    assert.equal(begun.body.status, 'processing');
    assert.equal(begun.headers['retry-after'], '1');
    assert.match(String(begun.headers['link']), new RegExp(`<${authz}>;rel="up"`, 'u'));
    const proven = await outcome(authz);
    assert.deepEqual([proven.body.status, proven.body.challenges.length], ['valid', 1]);
    assert.match(proven.body.challenges[0].validated, /Z$/u);
    assert.equal((await client.post(order)).body.status, 'ready');
    const final = await client.post(finalize, { csr: await acmeCsr([dns('www.test')]) });
    assert.equal(final.body.status, 'valid', final.text);
    // RFC 8555, section 8.3: the name is what is asked for, at the address that it has.
    const asked = acme.web.seen.find(({ url }) => url === `/.well-known/acme-challenge/${challenge.token}`);
    assert.equal(asked?.headers.host, 'www.test');
  });

  it('of dns-01 is proven by a TXT record, among others', async () => {
    const { authz, challenge } = await begin(dns('dns.test'), 'dns-01');
    acme.dns.set('_acme-challenge.dns.test', { texts: ['other', digest(challenge.token)] });
    await client.post(challenge.url, {});
    assert.equal((await outcome(authz)).body.status, 'valid');
  });

  it('is the only one of dns-01 for a wildcard, which it proves and nothing else', async () => {
    const { order, authz, challenge, types, finalize } = await begin(dns('*.wild.test'), 'dns-01');
    assert.deepEqual(types, ['dns-01']);
    acme.dns.set('_acme-challenge.wild.test', { texts: [digest(challenge.token)] });
    await client.post(challenge.url, {});
    assert.equal((await outcome(authz)).body.status, 'valid');
    assert.equal((await client.post(order)).body.status, 'ready');
    for (const names of [[dns('wild.test')], [dns('a.wild.test')], [dns('*.wild.test'), dns('wild.test')]]) {
      assert.equal(problemType(await client.post(finalize, { csr: await acmeCsr(names) })), 'badCSR');
    }
    const final = await client.post(finalize, { csr: await acmeCsr([dns('*.wild.test')]) });
    assert.equal(final.body.status, 'valid', final.text);
  });

  it('of an address is http-01 or tls-alpn-01, and is looked at there', async () => {
    const { authz, challenge, types } = await begin({ type: 'ip', value: '127.0.0.1' }, 'http-01');
    assert.deepEqual(types, ['http-01', 'tls-alpn-01']);
    acme.answers.set(challenge.token, client.keyAuthorization(challenge.token));
    await client.post(challenge.url, {});
    assert.equal((await outcome(authz)).body.status, 'valid');
    assert.equal(acme.web.seen.at(-1)?.headers.host, '127.0.0.1');
  });

  it('that is not fulfilled ends the order, and says why in both places', async () => {
    const { order, authz, challenge } = await begin(dns('www.test'), 'http-01');
    acme.answers.set(challenge.token, `${challenge.token}.of-somebody-else`);
    await client.post(challenge.url, {});
    const failed = (await outcome(authz)).body;
    assert.equal(failed.status, 'invalid');
    assert.equal(failed.challenges[0].error.type, 'urn:ietf:params:acme:error:unauthorized');
    assert.doesNotMatch(JSON.stringify(failed), /somebody/u);
    const { body } = await client.post(order);
    assert.deepEqual([body.status, body.error.type], ['invalid', 'urn:ietf:params:acme:error:unauthorized']);
    assert.equal(problemType(await client.post(body.finalize, { csr: '' })), 'orderNotReady');
    // Whatever comes later changes nothing.
    acme.answers.set(challenge.token, client.keyAuthorization(challenge.token));
    assert.equal((await client.post(challenge.url, {})).body.status, 'invalid');
  });

  it('tells a name that does not exist from one that does not answer', async () => {
    const nowhere = await begin(dns('nowhere.test'), 'http-01');
    await client.post(nowhere.challenge.url, {});
    assert.match((await outcome(nowhere.authz)).body.challenges[0].error.type, /:dns$/u);
    acme.dns.set('mute.test', { addresses: ['127.0.0.99'] });
    const mute = await begin(dns('mute.test'), 'http-01');
    await client.post(mute.challenge.url, {});
    assert.match((await outcome(mute.authz)).body.challenges[0].error.type, /:connection$/u);
  });

  it('is asked for again before it fails, where another look may find something else', async () => {
    const { authz, challenge } = await begin(dns('late.test'), 'dns-01');
    acme.dns.set('_acme-challenge.late.test', { texts: ['not yet'] });
    const looks = (): number => acme.dns.asked.filter((one) => one === 'TXT _acme-challenge.late.test').length;
    await client.post(challenge.url, {});
    await eventually('it was looked at', 10_000, () => looks() > 0);
    acme.dns.set('_acme-challenge.late.test', { texts: [digest(challenge.token)] });
    assert.equal((await outcome(authz)).body.status, 'valid');
    assert.ok(looks() > 1);
  });

  it('can be given up with its authorization', async () => {
    const { order, authz, challenge } = await begin(dns('www.test'), 'http-01');
    const given = await client.post(authz, { status: 'deactivated' });
    assert.equal(given.body.status, 'deactivated');
    assert.equal((await client.post(order)).body.status, 'invalid');
    assert.equal((await client.post(challenge.url, {})).body.status, 'pending');
    assert.equal(problemType(await client.post(authz, { status: 'valid' })), 'malformed');
  });

  it('is one of those that its authorization has', async () => {
    const { challenge, authz } = await begin(dns('www.test'), 'http-01');
    const others = ['dns-02', '__proto__', 'constructor', 'http-01/x', ''];
    for (const type of others) {
      const answer = await client.post(challenge.url.replace('http-01', type), {});
      assert.deepEqual([answer.status, problemType(answer)], [404, 'malformed'], type);
    }
    for (const index of ['1', '-1', '00000', 'x', '1e1']) {
      assert.equal((await client.post(authz.replace(/0$/u, index))).status, 404, index);
    }
  });
});
