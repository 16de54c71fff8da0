import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { type DataPath, startDataPath } from '../support/data-path.ts';
import { RawClient } from '../support/raw-client.ts';
import { startEcho, startHttp } from '../support/raw-upstream.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

async function connectTls(path: DataPath, options: ConnectionOptions = {}): Promise<RawClient> {
  const socket = connect({
    port: path.port,
    host: '127.0.0.1',
    servername: 'a.test',
    ca: path.ca,
    ALPNProtocols: ['http/1.1'],
    ...options,
  });
  await once(socket, 'secureConnect');
  return new RawClient(socket);
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: pipelined requests of a client that ends its side are all answered`, async () => {
    await using upstream = await startEcho();
    await using path = await startDataPath({ upstream: upstream.url, tls: true });
    await using client = await connectTls(path, { minVersion: version, maxVersion: version });
    client.socket.end(`${GET}${GET}${GET}`);
    for (let index = 0; index < 3; index++) assert.equal((await client.response()).status, 200);
    assert.equal(await client.rest(), '');
    await path.handles[0]?.closed;
  });

  test(`${version}: a download is whole, and one that is killed ends`, async () => {
    const size = 20_000_000;
    await using upstream = await startHttp((request, response) => {
      if (request.url === '/endless') response.write('x'.repeat(100_000));
      else response.end(Buffer.alloc(size, 'y'));
    });
    await using path = await startDataPath({ upstream: upstream.url, tls: true });
    await using whole = await connectTls(path, { minVersion: version, maxVersion: version });
    whole.send(GET);
    assert.equal((await whole.response()).body.length, size);
    await using killed = await connectTls(path, { minVersion: version, maxVersion: version });
    killed.send('GET /endless HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await killed.bytes(1000);
    path.handles[1]?.kill('revoked');
    await killed.rest();
    await path.handles[1]?.closed;
    assert.equal(path.entries.at(-1)?.code, 'revoked');
  });
}

test('a refusal over TLS reaches a client that is still sending', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true, clientCert: 'required' });
  await using client = await connectTls(path);
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000000\r\n\r\n');
  for (let index = 0; index < 8; index++) client.send('x'.repeat(16_384));
  assert.equal((await client.response()).status, 401);
  assert.deepEqual(upstream.seen, []);
});
