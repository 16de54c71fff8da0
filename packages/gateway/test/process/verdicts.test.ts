import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { OID } from '@countersign/pki';
import {
  createRoot,
  curl,
  startUpstream,
  temporaryFolder,
  type TestCa,
  type TestCertificate,
  type Upstream,
  without,
} from '@countersign/testkit';
import { ask, type GatewayUnderTest, startGateway } from '../support/gateway-process.ts';

const folder = temporaryFolder();
let upstream: Upstream;
let root: TestCa;
let gateway: GatewayUnderTest;
const clients = new Map<string, TestCertificate>();

before(async () => {
  upstream = await startUpstream();
  root = await createRoot('Clients');
  writeFileSync(folder.in('clients.pem'), root.pem);
  (await root.issueServer('a.test')).write(folder.path, 'server');
  const now = Date.now();
  const stranger = await createRoot('Strangers');
  const narrow = await root.issueCa('Narrow', { permitted: [{ type: 'dns', value: 'good.test' }] });
  const deep = await (await root.issueCa('Flat', { pathLen: 0 })).issueCa('Too Deep');
  for (const [code, made] of [
    ['untrusted_issuer', stranger.issue('x')],
    ['weak_key', root.issue('x', { key: 'rsa1024' })],
    ['not_yet_valid', root.issue('x', { notBefore: now + 3_600_000 })],
    ['expired', root.issue('x', { notAfter: now - 60_000 })],
    ['wrong_usage', root.issue('x', { usages: [OID.serverAuth] })],
    ['name_not_permitted', narrow.issue('x', { sans: [{ type: 'dns', value: 'evil.test' }] })],
    ['constraint_violated', deep.issue('x')],
    ['not_allowed', root.issue('nobody-allows-me')],
    ['untrusted_issuer with the name of a good CA', (await createRoot('Clients')).issue('alice')],
    [
      'untrusted_issuer with its name and another kind of key',
      (await createRoot('Clients', { key: 'rsa2048' })).issue('alice'),
    ],
    ['good', root.issue('alice')],
    ['good without an extendedKeyUsage', root.issue('alice', { usages: null })],
    ['good of RSA', root.issue('alice', { key: 'rsa2048' })],
    ['good of P-384', root.issue('alice', { key: 'p384' })],
    ['good of Ed25519', root.issue('alice', { key: 'ed25519' })],
  ] as const) {
    clients.set(code, await made);
  }
  gateway = await startGateway({
    baseDir: folder.path,
    config: {
      listeners: [
        {
          listen: '127.0.0.1:0',
          hosts: [
            {
              names: ['a.test'],
              certificate: { files: { cert: 'server.crt', key: 'server.key' } },
              trust: ['clients'],
              allow: [{ name: 'alice' }, { name: 'x' }],
              upstream: upstream.url,
            },
          ],
        },
      ],
      bundles: { clients: { files: ['clients.pem'] } },
      workers: 1,
    },
  });
});

after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: every refusal is told with its code, and whoever is good gets in`, async () => {
    for (const [expected, client] of clients) {
      const answer = await ask({ port: gateway.port(), ca: root.pem, sni: 'a.test', client, version, weakKeys: true });
      if (expected.startsWith('good')) assert.equal(answer.status, 200, `${expected}: ${answer.code}`);
      else assert.equal(`${answer.status} ${answer.code}`, `403 ${expected.split(' ')[0]}`, expected);
    }
    const none = await ask({ port: gateway.port(), ca: root.pem, sni: 'a.test', version });
    assert.equal(none.status, 401);
    assert.match(none.text, /www-authenticate: ClientCertificate/i);
  });
}

test('curl is told the same over HTTP/1.1 and HTTP/2', { skip: without('curl') }, async () => {
  const stranger = clients.get('untrusted_issuer')?.write(folder.path, 'stranger');
  for (const version of ['--http1.1', '--http2']) {
    const args = [version, '--resolve', `a.test:${gateway.port()}:127.0.0.1`];
    const refused = await curl(
      `https://a.test:${gateway.port()}/`,
      { ...stranger, ca: folder.in('clients.pem') },
      args,
    );
    assert.equal(refused.status, 403);
    assert.equal((JSON.parse(refused.body) as { code: string }).code, 'untrusted_issuer');
    assert.equal(
      (JSON.parse(refused.body) as { correlationId: string }).correlationId,
      refused.headers['countersign-correlation-id'],
    );
    const none = await curl(`https://a.test:${gateway.port()}/`, { ca: folder.in('clients.pem') }, args);
    assert.equal(none.status, 401);
  }
});

test('extra certificates in the chain give nobody another identity', async () => {
  const alice = clients.get('good');
  const stranger = clients.get('untrusted_issuer');
  assert.ok(alice && stranger);
  const stuffed = { pem: stranger.pem, chainPem: stranger.pem + alice.pem + root.pem, keyPem: stranger.keyPem };
  const answer = await ask({ port: gateway.port(), ca: root.pem, sni: 'a.test', client: stuffed });
  assert.equal(answer.code, 'untrusted_issuer');
  const padded = { pem: alice.pem, chainPem: alice.pem + stranger.pem.repeat(20), keyPem: alice.keyPem };
  assert.equal((await ask({ port: gateway.port(), ca: root.pem, sni: 'a.test', client: padded })).status, 200);
});

test('after a refusal the connection closes, with the body unread', async () => {
  const stranger = clients.get('untrusted_issuer');
  const socket = tls.connect({
    port: gateway.port(),
    host: '127.0.0.1',
    servername: 'a.test',
    ca: root.pem,
    cert: stranger?.pem,
    key: stranger?.keyPem,
  });
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\nbegun');
  await once(socket, 'close');
  assert.match(text, /^HTTP\/1\.1 403 /);
  assert.match(text, /connection: close/i);
});
