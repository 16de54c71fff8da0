// The service behind the gateway may be away, slow or talk nonsense: the client is told which, and nobody else notices.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import {
  curl,
  eventually,
  type Product,
  startProduct,
  startUpstream,
  temporaryFolder,
  type Upstream,
  without,
} from '@countersign/testkit';

const skip = without('curl');
const folder = temporaryFolder();
let good: Upstream;
let silent: Server;
let nonsense: Server;
let product: Product;

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

before(async () => {
  good = await startUpstream();
  silent = createServer(() => undefined);
  nonsense = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('this is not HTTP\r\n\r\n'));
  });
  for (const server of [silent, nonsense]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const closedPort = portOf(closed);
  closed.close();
  const config = folder.in('start.yaml');
  const at = (port: number): string => `http://127.0.0.1:${port}`;
  writeFileSync(
    config,
    JSON.stringify({
      workers: 1,
      timeouts: { upstreamConnect: '2s', upstreamResponse: '1s' },
      listeners: [
        {
          listen: '127.0.0.1:0',
          hosts: [
            {
              names: ['*'],
              certificate: { authority: { names: ['localhost', '127.0.0.1'] } },
              routes: [
                { path: '/', upstream: good.url },
                { path: '/down', upstream: at(closedPort) },
                { path: '/slow', upstream: at(portOf(silent)) },
                { path: '/nonsense', upstream: at(portOf(nonsense)) },
              ],
            },
          ],
        },
      ],
    }),
  );
  const doors = ['authority', 'http', 'admin'].flatMap((door) => [`--${door}`, '127.0.0.1:0']);
  const data = folder.in('D');
  product = await startProduct({ data, command: ['start', '--data', data, ...doors, '--config', config] });
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  await good?.[Symbol.asyncDispose]();
  silent.close();
  nonsense.close();
  folder[Symbol.dispose]();
});

const cases: readonly (readonly [string, string, number, string])[] = [
  ['that is down', '/down', 502, 'upstream_unreachable'],
  ['that never answers', '/slow', 504, 'upstream_timeout'],
  ['that talks nonsense', '/nonsense', 502, 'upstream_invalid'],
];

for (const [what, path, status, code] of cases) {
  for (const protocol of ['--http1.1', '--http2']) {
    test(`an upstream ${what}: ${status} ${code} (${protocol})`, { skip }, async () => {
      const url = `https://localhost:${product.port('gateway')}`;
      const answer = await curl(url + path, product.client('demo'), [protocol]);
      assert.equal(answer.status, status, answer.error);
      const problem = JSON.parse(answer.body) as Record<string, unknown>;
      assert.equal(problem['code'], code);
      assert.equal(answer.headers['countersign-correlation-id'], problem['correlationId']);
      const other = await curl(`${url}/fine`, product.client('demo'), [protocol]);
      assert.equal(other.status, 200, other.error);
    });
  }
}

test('nothing of one client reaches the next over a pooled upstream connection', { skip }, async () => {
  assert.equal((await product.cli('issue', 'other')).code, 0);
  const url = `https://localhost:${product.port('gateway')}/who`;
  const first = await curl(url, product.client('demo'), ['-H', 'X-Secret: of demo']);
  const second = await curl(url, product.client('other'));
  const seen = [first, second].map(({ body }) => (JSON.parse(body) as { headers: Record<string, string> }).headers);
  assert.equal(seen[0]?.['countersign-client-name'], 'demo');
  assert.equal(seen[1]?.['countersign-client-name'], 'other');
  assert.equal(seen[1]?.['x-secret'], undefined);
  assert.notEqual(seen[0]?.['client-cert'], seen[1]?.['client-cert']);
});

test(
  'SIGHUP reads the configuration again: what can be used holds, what cannot changes nothing',
  { skip },
  async () => {
    const url = `https://localhost:${product.port('gateway')}/moved/here`;
    assert.equal((JSON.parse((await curl(url, product.client('demo'))).body) as { url: string }).url, '/moved/here');
    const config = folder.in('start.yaml');
    const before = readFileSync(config, 'utf8');
    writeFileSync(config, before.replace('"path":"/down"', '"path":"/moved"'));
    process.kill(product.pid, 'SIGHUP');
    await eventually('the new route', 10_000, async () => (await curl(url, product.client('demo'))).status === 502);
    writeFileSync(config, '{"listeners": []}');
    process.kill(product.pid, 'SIGHUP');
    await eventually('a word about it', 10_000, () => product.stderr().includes('everything stays as it was'));
    assert.equal((await curl(url, product.client('demo'))).status, 502);
  },
);
