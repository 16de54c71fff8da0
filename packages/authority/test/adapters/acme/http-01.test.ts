import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { BAD_ANSWERS, createRoot, deadPort, serveHttp } from '@countersign/testkit';
import { keyAuthorization, testValidator, token } from '../../support/validator.ts';

const path = `/.well-known/acme-challenge/${token}`;
const good: RequestListener = (request, response) => response.end(request.url === path ? keyAuthorization : '');

describe('http-01', () => {
  it('looks where the challenge is, for white space at the end only', async () => {
    await using server = await serveHttp(good);
    await using validator = await testValidator({ ports: { http: server.port } });
    validator.dns.set('a.test', { addresses: ['127.0.0.1'] });
    assert.equal(await validator.fault('http-01', 'a.test'), 'good');
    assert.equal(await validator.fault('http-01', '127.0.0.1'), 'good');
    for (const [text, found] of [
      [`${keyAuthorization} \r\n\t`, /^good/u],
      [` ${keyAuthorization}`, /^unauthorized/u],
      [`${keyAuthorization}x`, /^unauthorized/u],
      [`${keyAuthorization}\n${'x'.repeat(2000)}`, /^unauthorized/u],
      ['', /^unauthorized/u],
    ] as const) {
      server.behave((_request, response) => response.end(text));
      assert.match(await validator.fault('http-01', 'a.test'), found);
    }
    server.behave((_request, response) => response.writeHead(404).end(keyAuthorization));
    assert.match(await validator.fault('http-01', 'a.test'), /^unauthorized/u);
  });

  for (const [name, answer] of Object.entries<RequestListener>(BAD_ANSWERS)) {
    it(`withstands a server that is ${name}, within its time`, async () => {
      await using server = await serveHttp(answer);
      await using validator = await testValidator({ ports: { http: server.port }, timeoutSeconds: 1 });
      validator.dns.set('bad.test', { addresses: ['127.0.0.1'] });
      const fault = await validator.fault('http-01', 'bad.test');
      assert.match(fault, /^(?:unauthorized|connection): /u);
      // Nothing of what was found there is told to whoever asked.
      assert.doesNotMatch(fault, /doctype|half/u);
    });
  }

  it('does not read headers without end', async () => {
    await using server = await serveHttp((_request, response) => {
      response.writeHead(200, { 'x-long': 'x'.repeat(20_000) }).end(keyAuthorization);
    });
    await using validator = await testValidator({ ports: { http: server.port } });
    assert.match(await validator.fault('http-01', '127.0.0.1'), /^connection: .*HPE_HEADER_OVERFLOW/u);
  });

  it('connects to no address that the rule refuses, whatever name leads there', async () => {
    await using server = await serveHttp(good);
    await using validator = await testValidator({ ports: { http: server.port }, allow: [] });
    for (const address of ['127.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', '0.0.0.0']) {
      validator.dns.set('inside.test', { addresses: [address] });
      assert.match(await validator.fault('http-01', 'inside.test'), /^unauthorized: .*not connected to$/u, address);
      if (!address.startsWith('::ffff')) {
        assert.match(await validator.fault('http-01', address), /^unauthorized: .*not connected to$/u, address);
      }
    }
    assert.equal(server.connections, 0);
  });

  it('passes over refused addresses and dead ones to the next', async () => {
    await using server = await serveHttp(good);
    await using validator = await testValidator({ ports: { http: server.port }, deny: ['127.0.0.8'] });
    validator.dns.set('many.test', { addresses: ['127.0.0.8', '127.0.0.7', '127.0.0.1'] });
    assert.equal(await validator.fault('http-01', 'many.test'), 'good');
    const dead = await deadPort();
    await using nobody = await testValidator({ ports: { http: dead } });
    nobody.dns.set('dead.test', { addresses: ['127.0.0.1'] });
    assert.match(await nobody.fault('http-01', 'dead.test'), /^connection: .*ECONNREFUSED/u);
  });

  it('asks the DNS once for each connection: a second answer leads nowhere (rebinding)', async () => {
    await using server = await serveHttp(good);
    await using validator = await testValidator({ ports: { http: server.port }, allow: ['127.0.0.1'] });
    let questions = 0;
    validator.dns.behave((_name, type) => {
      if (type !== 'A') return {};
      questions += 1;
      return { addresses: [questions === 1 ? '127.0.0.1' : '169.254.169.254'] };
    });
    assert.equal(await validator.fault('http-01', 'rebind.test'), 'good');
    assert.equal(questions, 1);
    server.behave((_request, response) => response.writeHead(302, { location: 'http://rebind.test/again' }).end());
    assert.match(await validator.fault('http-01', 'rebind.test'), /169\.254\.169\.254 is a link-local address/u);
  });

  it('follows ten redirects and no more, each checked like the first', async () => {
    let hops = 0;
    await using server = await serveHttp((request, response) => {
      const left = Number(/^\/hop(?<left>\d+)/u.exec(request.url ?? '')?.groups?.['left'] ?? hops);
      if (left === 0) response.end(keyAuthorization);
      else response.writeHead(307, { location: `/hop${left - 1}` }).end();
    });
    await using validator = await testValidator({ ports: { http: server.port } });
    validator.dns.set('hop.test', { addresses: ['127.0.0.1'] });
    hops = 10;
    assert.equal(await validator.fault('http-01', 'hop.test'), 'good');
    hops = 11;
    assert.match(await validator.fault('http-01', 'hop.test'), /more than 10 redirects/u);
  });

  it('is led to http and https at their ports, and to nothing else', async () => {
    await using server = await serveHttp(good);
    await using validator = await testValidator({ ports: { http: server.port } });
    validator.dns.set('lead.test', { addresses: ['127.0.0.1'] });
    const locations = [
      'ftp://lead.test/',
      'file:///etc/passwd',
      'gopher://127.0.0.1:6379/_x',
      'http://127.0.0.1:6379/',
      'http://lead.test:22/',
      'https://lead.test:8443/',
      'http://user:password@lead.test/',
      'http://[::ffff:169.254.169.254]/',
      'http://169.254.169.254/latest/meta-data/',
      'http://0xa9fea9fe/',
      'http://2852039166/',
      'http://',
      `http://lead.test/${'x'.repeat(3000)}`,
      'javascript:alert(1)',
    ];
    for (const location of locations) {
      server.behave((_request, response) => response.writeHead(302, { location }).end());
      assert.match(await validator.fault('http-01', 'lead.test'), /^unauthorized: /u, location);
    }
  });

  it('follows a redirect to https, whatever certificate is there', async () => {
    const root = await createRoot();
    const other = await root.issue('challenge', { sans: [{ type: 'dns', value: 'other.test' }] });
    const secure = createSecureServer({ key: other.keyPem, cert: other.pem }, good);
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const { port } = secure.address() as AddressInfo;
    await using server = await serveHttp((_request, response) =>
      response.writeHead(301, { location: `https://tls.test${path}` }).end(),
    );
    await using validator = await testValidator({ ports: { http: server.port, https: port } });
    validator.dns.set('tls.test', { addresses: ['127.0.0.1'] });
    assert.equal(await validator.fault('http-01', 'tls.test'), 'good');
    secure.close();
    secure.closeAllConnections();
  });

  it('tells names that do not exist, and servers that do not answer, from each other', async () => {
    await using validator = await testValidator({ timeoutSeconds: 1 });
    assert.match(await validator.fault('http-01', 'nowhere.test'), /^dns: nowhere.test does not exist/u);
    validator.dns.set('empty.test', {});
    assert.match(await validator.fault('http-01', 'empty.test'), /^dns: empty.test has no such record/u);
    validator.dns.behave(() => undefined);
    assert.match(await validator.fault('http-01', 'mute.test'), /^connection: mute.test: it took longer than 1 s/u);
  });

  it('is given up when the authority ends', async () => {
    await using server = await serveHttp(BAD_ANSWERS.silent);
    await using validator = await testValidator({ ports: { http: server.port } });
    const stop = new AbortController();
    const looking = validator.look('http-01', '127.0.0.1', stop.signal);
    stop.abort(new Error('ends'));
    await assert.rejects(looking, /ends/u);
  });
});
