import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createRoot, temporaryFolder } from '@countersign/testkit';
import { ask, startGateway } from '../support/gateway-process.ts';

/** RFC 9440, section 2.1: a byte sequence of RFC 8941. */
const field = (der: Uint8Array): string => `:${Buffer.from(der).toString('base64')}:`;

test('a client whose whole chain is of ML-DSA gets in, first and resumed, and the upstream is told all of it', async () => {
  using folder = temporaryFolder();
  const heard: IncomingHttpHeaders[] = [];
  // A chain of ML-DSA fills more than the 16 KiB that node:http takes by default.
  const upstream = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    heard.push(request.headers);
    response.end('in');
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const root = await createRoot('Post-quantum', { key: 'ml-dsa-87' });
  const issuing = await root.issueCa('Issuing', { key: 'ml-dsa-65' });
  writeFileSync(folder.in('clients.pem'), root.pem);
  const server = await createRoot('Server');
  (await server.issueServer('a.test')).write(folder.path, 'server');
  try {
    const host = {
      names: ['a.test'],
      certificate: { files: { cert: 'server.crt', key: 'server.key' } },
      trust: ['clients'],
      allow: [{ name: 'alice' }],
      upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    };
    await using gateway = await startGateway({
      baseDir: folder.path,
      config: {
        listeners: [{ listen: '127.0.0.1:0', hosts: [host] }],
        bundles: { clients: { files: ['clients.pem'] } },
        workers: 1,
      },
    });
    const common = { port: gateway.port(), ca: server.pem, sni: 'a.test', version: 'TLSv1.3' } as const;
    for (const key of ['ml-dsa-65', 'ml-dsa-87'] as const) {
      const client = await issuing.issue('alice', { key });
      const first = await ask({ ...common, client });
      assert.equal(first.status, 200, `${key}: ${first.code}`);
      const again = await ask({ ...common, client, session: first.session });
      assert.deepEqual([again.status, again.reused], [200, true], key);
      for (const headers of heard.splice(0)) {
        assert.equal(headers['client-cert'], field(client.der));
        assert.equal(headers['client-cert-chain'], field(issuing.der));
      }
      const stranger = await (await createRoot('Post-quantum', { key })).issue('alice', { key });
      const refused = await ask({ ...common, client: stranger });
      assert.deepEqual([refused.status, refused.code], [403, 'untrusted_issuer']);
      assert.deepEqual(heard, []);
    }
  } finally {
    upstream.close();
    upstream.closeAllConnections();
  }
});
