import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import {
  createRoot,
  curl,
  eventually,
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
let alice: TestCertificate;
let gateway: GatewayUnderTest;

before(async () => {
  upstream = await startUpstream();
  root = await createRoot('Clients');
  const strict = await createRoot('Strict');
  writeFileSync(folder.in('clients.pem'), root.pem);
  writeFileSync(folder.in('strict.pem'), strict.pem);
  (await root.issueServer('a.test', 'strict.test', '*.wild.test')).write(folder.path, 'server');
  alice = await root.issue('alice');
  const common = { certificate: { files: { cert: 'server.crt', key: 'server.key' } }, upstream: upstream.url };
  gateway = await startGateway({
    baseDir: folder.path,
    config: {
      listeners: [
        {
          listen: '127.0.0.1:0',
          hosts: [
            { names: ['a.test', '127.0.0.1'], trust: ['clients'], ...common },
            { names: ['strict.test'], trust: ['strict'], ...common },
            { names: ['*.wild.test'], trust: ['clients'], clientCert: 'optional', ...common },
          ],
        },
      ],
      bundles: { clients: { files: ['clients.pem'] }, strict: { files: ['strict.pem'] } },
      workers: 1,
    },
  });
});

after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const request = (sni: string | undefined, host: string, client: TestCertificate | 'none' = alice) =>
  ask({ port: gateway.port(), ca: root.pem, sni, host, client: client === 'none' ? undefined : client });

test('the server name and the host must select the same policy, however they are written', async () => {
  for (const [sni, host] of [
    ['a.test', 'a.test'],
    ['A.TEST', 'a.test'],
    ['a.test', 'A.Test:9443'],
    ['a.test.', 'a.test.'],
    [undefined, 'a.test'],
    [undefined, '127.0.0.1'],
    ['x.wild.test', 'y.wild.test'],
  ] as const) {
    assert.equal((await request(sni, host)).status, 200, `${sni} ${host}`);
  }
});

test('a host of another policy than the server name is misdirected', async () => {
  for (const [sni, host] of [
    ['a.test', 'strict.test'],
    ['a.test', 'STRICT.test.'],
    ['a.test', 'x.wild.test'],
    ['x.wild.test', 'a.test'],
    ['x.y.wild.test', 'x.wild.test'],
    ['unknown.test', 'a.test'],
    ['unknown.test', 'unknown.test'],
    ['a.test', 'unknown.test'],
    [undefined, 'strict.test'],
    [undefined, 'x.wild.test'],
  ] as const) {
    const answer = await request(sni, host);
    assert.equal(`${answer.status} ${answer.code}`, '421 misdirected', `${sni} ${host}`);
  }
});

test('a server name in any spelling selects its own policy, never the default', async () => {
  for (const sni of ['strict.test', 'STRICT.TEST', 'Strict.Test.']) {
    assert.equal((await request(sni, 'strict.test')).code, 'untrusted_issuer', sni);
  }
});

test('a second request on a connection is judged by its own host', async () => {
  const socket = tls.connect({
    port: gateway.port(),
    host: '127.0.0.1',
    servername: 'a.test',
    ca: root.pem,
    cert: alice.chainPem,
    key: alice.keyPem,
  });
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(
    'GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: strict.test\r\nConnection: close\r\n\r\n',
  );
  await once(socket, 'close');
  assert.deepEqual(text.match(/^HTTP\/1\.1 \d{3}/gm), ['HTTP/1.1 200', 'HTTP/1.1 421']);
});

test('an HTTP/2 connection is not coalesced onto a host with another policy', { skip: without('curl') }, async () => {
  const client = alice.write(folder.path, 'alice');
  const args = ['--http2', '--resolve', `a.test:${gateway.port()}:127.0.0.1`, '-H', 'Host: strict.test'];
  const answer = await curl(`https://a.test:${gateway.port()}/`, { ...client, ca: folder.in('clients.pem') }, args);
  assert.equal(answer.httpVersion, '2');
  assert.equal(answer.status, 421);
});

test('optional: none passes as none, an unacceptable one is refused and never made anonymous', async () => {
  assert.equal((await request('x.wild.test', 'x.wild.test', 'none')).status, 200);
  assert.doesNotMatch((await request('x.wild.test', 'x.wild.test', 'none')).text, /client-cert/i);
  const stranger = await (await createRoot('A Stranger')).issue('alice');
  assert.equal((await request('x.wild.test', 'x.wild.test', stranger)).code, 'untrusted_issuer');
  assert.equal((await request('a.test', 'a.test', 'none')).code, 'no_certificate');
});

test('the refused are logged with who they said they were; nothing of it is believed', async () => {
  const mallory = await (await createRoot('Somebody Else')).issue('mallory');
  const answer = await request('a.test', 'a.test', mallory);
  assert.equal(answer.code, 'untrusted_issuer');
  const id = /Countersign-Correlation-Id: (\S+)/i.exec(answer.text)?.[1];
  const line = await eventually('the line is written', 5000, () =>
    gateway.lines().find((one) => one['correlationId'] === id),
  );
  assert.equal((line['client'] as { subject?: string } | undefined)?.subject, 'CN=mallory');
  assert.equal(line['status'], 403);
});
