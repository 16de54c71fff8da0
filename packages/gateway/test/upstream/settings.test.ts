import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:https';
import { createServer as createPlain } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRoot } from '@countersign/testkit';
import { createUpstream } from '../../src/upstream/upstream.ts';
import { readSettings, UpstreamSettingsError } from '../../src/upstream/settings.ts';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startEcho } from '../support/raw-upstream.ts';

const GET = 'GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n';
const settings = (url: string, caFile?: string) => ({ url: new URL(url), caFile, serverName: undefined });

function folder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'gateway-upstream-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test('an https upstream is verified: its CA, its name, its dates', async () => {
  using files = folder();
  const caFile = join(files.path, 'ca.pem');
  const otherFile = join(files.path, 'other.pem');
  const root = await createRoot('Upstream Root');
  writeFileSync(caFile, root.pem);
  writeFileSync(otherFile, (await createRoot('Other Root')).pem);
  const good = await root.issueServer('service.test');
  const old = await root.issue('service.test', {
    usages: ['1.3.6.1.5.5.7.3.1'],
    sans: [{ type: 'dns', value: 'service.test' }],
    notAfter: Date.now() - 1000,
  });
  const cases: readonly (readonly [typeof good, string, string | undefined, number])[] = [
    [good, caFile, undefined, 200],
    [good, caFile, 'service.test', 200],
    [good, caFile, 'other.test', 502],
    [good, otherFile, undefined, 502],
    [old, caFile, 'service.test', 502],
  ];
  for (const [certificate, ca, serverName, status] of cases) {
    const server = createServer(
      { cert: certificate.chainPem, key: certificate.keyPem },
      (_request, response) => void response.end('ok'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using path = await startDataPath({
      upstream: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      caFile: ca,
      ...(serverName === undefined ? {} : { serverName }),
    });
    await using client = await connectRaw(path.port);
    client.send(`${GET}${GET}`);
    const response = await client.response();
    assert.equal(response.status, status, path.entries[0]?.detail ?? '');
    if (status === 502) assert.equal((JSON.parse(response.body) as { code: string }).code, 'upstream_invalid');
    else assert.equal((await client.response()).body, 'ok');
    server.closeAllConnections();
    server.close();
  }
});

test('without a CA of its own, an upstream of a private CA is not believed', async () => {
  const certificate = await (await createRoot()).issueServer('service.test');
  const server = createServer(
    { cert: certificate.chainPem, key: certificate.keyPem },
    (_request, response) => void response.end('ok'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using path = await startDataPath({ upstream: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
  await using client = await connectRaw(path.port);
  client.send(GET);
  assert.equal((await client.response()).status, 502);
  server.close();
});

test('a unix socket is an upstream', async () => {
  using files = folder();
  const socketPath = join(files.path, 'app.sock');
  const server = createPlain((request, response) => void response.end(request.url ?? ''));
  server.listen(socketPath);
  await once(server, 'listening');
  await using path = await startDataPath({ upstream: `unix:${socketPath}` });
  await using client = await connectRaw(path.port);
  client.send(GET);
  assert.equal((await client.response()).body, '/x');
  assert.equal(path.entries[0]?.upstream, `unix:${socketPath}`);
  server.closeAllConnections();
  server.close();
});

test("the path of an upstream's URL stands before every path", async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: `${upstream.url}/base/` });
  await using client = await connectRaw(path.port);
  client.send(GET);
  await client.response();
  assert.equal(upstream.seen[0]?.url, '/base/x');
});

test('settings that lead nowhere are refused at once', () => {
  using files = folder();
  const empty = join(files.path, 'empty.pem');
  writeFileSync(empty, 'no certificate\n');
  const code = (expected: string) => (error: unknown) =>
    error instanceof UpstreamSettingsError && error.code === expected;
  assert.throws(() => createUpstream(settings('ftp://a.test')), code('upstream_url'));
  assert.throws(() => createUpstream(settings('unix:relative')), code('upstream_url'));
  assert.throws(() => createUpstream(settings('https://a.test', join(files.path, 'absent.pem'))), code('upstream_ca'));
  assert.throws(() => createUpstream(settings('https://a.test', empty)), code('upstream_ca'));
  assert.equal(readSettings(settings('http://user:pw@a.test:81/x')).name, 'http://a.test:81/x');
});
