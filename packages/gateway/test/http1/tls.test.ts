import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:https';
import type { IncomingMessage } from 'node:http';
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

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: downloads side by side are each their own, however slowly they are read`, async () => {
    const block = (path: string, index: number) => Buffer.alloc(50_000, `${path} ${index} `);
    await using upstream = await startHttp(async ({ url = '' }, response) => {
      if (url.startsWith('/plain')) response.setHeader('Content-Length', 100 * 50_000);
      for (let index = 0; index < 100; index++) if (!response.write(block(url, index))) await once(response, 'drain');
      response.end();
    });
    await using path = await startDataPath({ upstream: upstream.url, tls: true });
    const download = async (url: string, slow: boolean): Promise<void> => {
      const options = { port: path.port, host: '127.0.0.1', servername: 'a.test', ca: path.ca, agent: false };
      const request = get({
        ...options,
        path: url,
        headers: { host: 'a.test' },
        minVersion: version,
        maxVersion: version,
      });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const received = createHash('sha256');
      for await (const chunk of response) {
        received.update(chunk as Buffer);
        // Others have many turns before this one takes more: what waits for it must not change meanwhile.
        for (let turns = slow ? 20 : 0; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      }
      const expected = createHash('sha256');
      for (let index = 0; index < 100; index++) expected.update(block(url, index));
      assert.equal(received.digest('hex'), expected.digest('hex'), url);
    };
    await Promise.all(['/plain', '/chunked'].flatMap((kind) => [0, 1, 2].map((i) => download(`${kind}/${i}`, i > 0))));
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
