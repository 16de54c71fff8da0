import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRoot } from '@countersign/testkit';
import { connectHttp2 } from '../support/http2-client.ts';
import { type DataPath, startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startHttp } from '../support/raw-upstream.ts';

/** Answers `/WHO/SIZE` with as many bytes, every line of them naming who asked. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, who = '', size = '0'] = (request.url ?? '').split('/');
  const body = contentFor(who, Number(size));
  if (Number(size) % 2 === 0) response.setHeader('Content-Length', body.length);
  for (let at = 0; at < body.length; at += 10_000) response.write(body.slice(at, at + 10_000));
  response.end();
}

function contentFor(who: string, size: number): string {
  return `this is for ${who} only\n`.repeat(Math.ceil(size / 20)).slice(0, size);
}

// Some 200 handshakes with the upstream at once take a busy machine longer than an upstream is allowed to.
const timeouts = { upstreamConnect: 60_000, upstreamResponse: 60_000 };
const SIZES = [1, 0, 40_001, 300_000, 2, 99_999, 7, 1_000_000];

async function askAll(path: DataPath, who: string): Promise<void> {
  if (path.ca === undefined) {
    await using client = await connectRaw(path.port);
    client.send(SIZES.map((size) => `GET /${who}/${size} HTTP/1.1\r\nHost: a.test\r\n\r\n`).join(''));
    for (const size of SIZES) assert.ok((await client.response()).body === contentFor(who, size), `${who} ${size}`);
    return;
  }
  await using client = await connectHttp2(path);
  await Promise.all(
    SIZES.map(async (size) => {
      const { body } = await client.fetch({ ':path': `/${who}/${size}` });
      assert.ok(body === contentFor(who, size), `${who} ${size}`);
    }),
  );
}

async function askFromMany(path: DataPath): Promise<void> {
  await Promise.all(Array.from({ length: 12 }, (_, index) => askAll(path, `client-${index}`)));
}

test('nothing leaks between clients: many at once, each gets what is his, over plain upstream connections', async () => {
  await using upstream = await startHttp(answer);
  await using plain = await startDataPath({ upstream: upstream.url });
  await using secure = await startDataPath({ upstream: upstream.url, tls: true });
  await Promise.all([askFromMany(plain), askFromMany(secure)]);
  assert.equal(plain.entries.length + secure.entries.length, 2 * 12 * SIZES.length);
});

test('nothing leaks between clients: the same over TLS to the upstream', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-isolation-'));
  const root = await createRoot();
  const certificate = await root.issueServer('service.test');
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, root.pem);
  const server = createServer({ cert: certificate.chainPem, key: certificate.keyPem }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const upstream = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using plain = await startDataPath({ upstream, caFile, timeouts });
  await using secure = await startDataPath({ upstream, caFile, tls: true, timeouts });
  await Promise.all([askFromMany(plain), askFromMany(secure)]);
  assert.equal(plain.entries.length + secure.entries.length, 2 * 12 * SIZES.length);
});
