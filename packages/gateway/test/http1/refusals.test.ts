import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFUSAL_CODES, refusal } from '@countersign/trust';
import type { Peer } from '../../src/connection.ts';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startEcho } from '../support/raw-upstream.ts';

interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly correlationId: string;
}

test('every refusal of a certificate is a problem document, and the connection closes, the body unread', async () => {
  await using upstream = await startEcho();
  for (const code of REFUSAL_CODES.filter((name) => [401, 403, 503].includes(refusal(name).status))) {
    const peer: Peer = code === 'no_certificate' ? { kind: 'none' } : { kind: 'refused', code, detail: 'inner words' };
    await using path = await startDataPath({ upstream: upstream.url, peer, clientCert: 'required' });
    await using client = await connectRaw(path.port);
    client.send('POST /x?secret HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\nbegin');
    const response = await client.response();
    assert.equal(response.status, refusal(code).status, code);
    assert.equal(response.headers['content-type'], 'application/problem+json');
    assert.equal(response.headers['connection'], 'close');
    assert.equal(response.headers['www-authenticate'], code === 'no_certificate' ? 'ClientCertificate' : undefined);
    const problem = JSON.parse(response.body) as ProblemDocument;
    assert.deepEqual(Object.keys(problem), ['type', 'title', 'status', 'code', 'detail', 'correlationId']);
    assert.deepEqual([problem.code, problem.status, problem.correlationId], [code, response.status, 'c0-1']);
    assert.equal(response.headers['countersign-correlation-id'], problem.correlationId);
    assert.doesNotMatch(response.body, /inner words/);
    assert.equal(await client.rest(), '');
    const entry = await path.entry(0);
    assert.deepEqual(
      [entry.code, entry.correlationId, entry.path, entry.method],
      [code, problem.correlationId, '/x', 'POST'],
    );
    if (code !== 'no_certificate') assert.equal(entry.detail, 'inner words');
  }
  assert.deepEqual(upstream.seen, []);
});

test('an unacceptable certificate is refused in optional mode too, before anything else is said', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({
    upstream: upstream.url,
    peer: { kind: 'refused', code: 'expired', detail: 'yesterday' },
    clientCert: 'optional',
  });
  for (const request of [
    'GET / HTTP/1.1\r\nHost: b.test\r\n\r\n',
    'GET // HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'nonsense\r\n\r\n',
  ]) {
    await using client = await connectRaw(path.port);
    client.send(request);
    const response = await client.response();
    assert.deepEqual([response.status, (JSON.parse(response.body) as ProblemDocument).code], [403, 'expired'], request);
  }
});

test('a refusal that says nothing against the connection leaves it open', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send('GET / HTTP/1.1\r\nHost: b.test\r\n\r\nGET /ok HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const misdirected = await client.response();
  assert.deepEqual([misdirected.status, (JSON.parse(misdirected.body) as ProblemDocument).code], [421, 'misdirected']);
  assert.equal((await client.response()).status, 200);
});

test('a refused HEAD has no body', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, clientCert: 'required' });
  await using client = await connectRaw(path.port);
  client.send('HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const response = await client.response(true);
  assert.equal(response.status, 401);
  assert.equal(await client.rest(), '');
});

test('a client that goes on sending after a refusal still reads it', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, clientCert: 'required' });
  await using client = await connectRaw(path.port);
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
  for (let index = 0; index < 100; index++) client.send(chunk);
  assert.equal((await client.response()).status, 401);
});
