import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import type { HostPolicy, Route } from '../../src/connection.ts';
import { startDataPath } from '../support/data-path.ts';
import { connectHttp2, readResponse } from '../support/http2-client.ts';
import { startEcho } from '../support/raw-upstream.ts';

const codeOf = (body: string) => (JSON.parse(body) as { code: string }).code;
const other = (route: Route): HostPolicy[] => [{ id: 'b', names: ['b.test'], clientCert: 'optional', routes: [route] }];

test('a refused certificate is told on the stream, and the connection ends', async () => {
  await using upstream = await startEcho();
  for (const [peer, code, status] of [
    [{ kind: 'none' }, 'no_certificate', 401],
    [{ kind: 'refused', code: 'revoked', detail: 'on the list' }, 'revoked', 403],
    [{ kind: 'refused', code: 'revocation_stale', detail: 'old' }, 'revocation_stale', 503],
  ] as const) {
    await using path = await startDataPath({ upstream: upstream.url, tls: true, peer, clientCert: 'required' });
    await using client = await connectHttp2(path);
    const ended = once(client.session, 'close');
    const stream = client.open({ ':path': '/', ':method': 'POST' });
    const response = await readResponse(stream);
    assert.deepEqual([response.status, codeOf(response.body)], [status, code]);
    assert.equal(response.headers['content-type'], 'application/problem+json');
    assert.equal(response.headers['countersign-correlation-id'], 'c0-1');
    assert.equal(response.headers['www-authenticate'], status === 401 ? 'ClientCertificate' : undefined);
    await ended;
    await path.handles[0]?.closed;
  }
  assert.deepEqual(upstream.seen, []);
});

test('T18: a host of another policy is misdirected, on a connection that lives on', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true, sni: 'a.test', others: other });
  await using client = await connectHttp2(path);
  const response = await client.fetch({ ':path': '/', ':authority': 'b.test' });
  assert.deepEqual([response.status, codeOf(response.body)], [421, 'misdirected']);
  assert.equal((await client.fetch({ ':path': '/', ':authority': 'A.TEST:443' })).status, 200);
});

test('T17, T43: requests that could be read in two ways are refused', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const requests: OutgoingHttpHeaders[] = [
    { ':path': '/', host: 'b.test' },
    { ':path': '//' },
    { ':path': '/a/../b' },
    { ':path': '*', ':method': 'OPTIONS' },
    { ':path': 'https://a.test/' },
    { ':path': '/a#b' },
    { ':path': '/ä' },
    { ':path': '/', ':scheme': 'http' },
    { ':path': '/', ':method': 'TRACE' },
    { ':path': '/', ':method': 'G T' },
    { ':path': '/', transfer_encoding: 'chunked' },
    { ':path': '/', expect: 'x' },
    { ':path': '/', ':authority': 'a.test@b.test' },
    { ':path': '/', ':authority': '' },
  ];
  for (const headers of requests) {
    const response = await client.fetch(headers).catch((error: NodeJS.ErrnoException) => error.code);
    if (typeof response === 'object') assert.equal(response.status, 400, JSON.stringify(headers));
    else assert.equal(response, 'ERR_HTTP2_STREAM_ERROR', JSON.stringify(headers));
  }
  const response = await client.fetch({ ':path': '/', host: 'A.test' });
  assert.equal(response.status, 200);
  assert.equal(upstream.seen.length, 1);
});

test('CONNECT, extended or not, opens no tunnel', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  assert.notEqual(client.session.remoteSettings.enableConnectProtocol, true);
  const stream = client.session.request({ ':method': 'CONNECT', ':authority': 'a.test' });
  assert.equal((await readResponse(stream)).status, 400);
});
