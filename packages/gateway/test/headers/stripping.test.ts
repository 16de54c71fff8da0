import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRoot } from '@countersign/testkit';
import { accepted } from '../support/context.ts';
import { startDataPath } from '../support/data-path.ts';
import { connectHttp2 } from '../support/http2-client.ts';
import { connectRaw } from '../support/raw-client.ts';
import { type Seen, startEcho } from '../support/raw-upstream.ts';

const LIES = [
  'Client-Cert: :AAAA:',
  'client-cert: :AAAA:',
  'CLIENT_CERT: :AAAA:',
  'Client_Cert_Chain: :AAAA:',
  'X-Forwarded-Client-Cert: Hash=aa;Subject="CN=admin"',
  'X-SSL-Client-Verify: SUCCESS',
  'X-SSL-Client-Verify: SUCCESS',
  'x_ssl_client_s_dn: CN=admin',
  'X-Client-Cert: AAAA',
  'X-Amzn-Mtls-Clientcert-Leaf: AAAA',
  'Countersign-Client-Name: admin',
  'Countersign_Client.Name: admin',
  'Forwarded: for=10.0.0.1;proto=http',
  'X-Forwarded-For: 10.0.0.1',
  'X_Forwarded_For: 10.0.0.1',
  'X-Real-IP: 10.0.0.1',
];

function assertTruth(seen: Seen, leaf: string): void {
  const names = seen.rawHeaders.filter((_, index) => index % 2 === 0);
  const told = names.filter((name) => /client|ssl|mtls|forwarded|real.ip/i.test(name)).toSorted();
  assert.deepEqual(told, [
    'Client-Cert',
    'Client-Cert-Chain',
    'Countersign-Client-Fingerprint',
    'Countersign-Client-Name',
    'Countersign-Client-Serial',
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Port',
    'X-Forwarded-Proto',
  ]);
  assert.equal(seen.headers['client-cert'], leaf);
  assert.equal(seen.headers['countersign-client-name'], 'demo');
  assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(seen.headers['forwarded'], 'for=127.0.0.1;host=a.test;proto=https');
  assert.equal(JSON.stringify(seen).includes('admin'), false);
}

async function demo(): Promise<{ peer: ReturnType<typeof accepted>; leaf: string }> {
  const root = await createRoot();
  const issuing = await root.issueCa('Issuing');
  const certificate = await issuing.issue('demo');
  const [leafDer = new Uint8Array()] = certificate.chain;
  return {
    peer: accepted({ leafDer, chainDer: certificate.chain }),
    leaf: `:${Buffer.from(leafDer).toString('base64')}:`,
  };
}

test('T40, T41: what a client says about itself does not reach the upstream over HTTP/1.1', async () => {
  const { peer, leaf } = await demo();
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, peer });
  await using client = await connectRaw(path.port);
  client.send(
    `POST / HTTP/1.1\r\nHost: a.test\r\n${LIES.join('\r\n')}\r\nConnection: Client-Cert, Client-Cert-Chain, X-Forwarded-For, Countersign-Client-Name\r\n` +
      `Transfer-Encoding: chunked\r\nTrailer: Client-Cert\r\n\r\n1\r\nx\r\n0\r\n${LIES.join('\r\n')}\r\nX-Kept: 1\r\n\r\n`,
  );
  assert.equal((await client.response()).status, 200);
  const seen = upstream.seen[0] as Seen;
  assertTruth(seen, leaf);
  assert.deepEqual({ ...seen.trailers }, { 'x-kept': '1' });
});

test('T40, T49: nor over HTTP/2', async () => {
  const { peer, leaf } = await demo();
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true, peer });
  await using client = await connectHttp2(path);
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const lie of LIES) {
    const [name = '', value = ''] = lie.split(': ');
    headers[name.toLowerCase()] = value;
  }
  headers['__proto__'] = 'x';
  const stream = client.session.request(
    { ...headers, ':path': '/', ':method': 'POST', ':authority': 'a.test' },
    {
      waitForTrailers: true,
    },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'client-cert': ':AAAA:', 'x-kept': '1' }));
  stream.end('x');
  stream.resume();
  await new Promise((resolve) => stream.on('close', resolve));
  const seen = upstream.seen[0] as Seen;
  assertTruth(seen, leaf);
  assert.deepEqual({ ...seen.trailers }, { 'x-kept': '1' });
});

test('without a certificate the upstream is told of none, whatever the client claims', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(`GET / HTTP/1.1\r\nHost: a.test\r\n${LIES.join('\r\n')}\r\n\r\n`);
  await client.response();
  const names = Object.keys(upstream.seen[0]?.headers ?? {}).filter((name) => /client|ssl|mtls/.test(name));
  assert.deepEqual(names, []);
});
