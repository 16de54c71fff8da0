import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { BAD_ANSWERS, deadPort, eventually, serveHttp } from '@countersign/testkit';

import { fetchBounded, FetchFailed } from '../../src/index.ts';
import type { FetchProblem } from '../../src/index.ts';

const bounds = { maxBytes: 100_000, timeoutMs: 20_000 };

/** How each way of being a bad server ends; those that answer properly but wrongly are for the caller to judge. */
const ENDS: Readonly<Record<keyof typeof BAD_ANSWERS, FetchProblem | 'answered'>> = {
  silent: 'timeout',
  'byte by byte': 'timeout',
  redirecting: 'redirect',
  '50 MB': 'too_large',
  endless: 'too_large',
  'gzip bomb': 'compressed',
  'web page': 'answered',
  empty: 'answered',
  truncated: 'network',
  error: 'answered',
};

describe('fetching from a bad server', () => {
  for (const [name, problem] of Object.entries(ENDS)) {
    test(`T34: ${name}: ${problem}, and no connection stays`, async () => {
      await using server = await serveHttp(BAD_ANSWERS[name as keyof typeof BAD_ANSWERS]);
      // Those that never end are ended by the clock, the others long before.
      const timeoutMs = problem === 'timeout' ? 200 : bounds.timeoutMs;
      const end = await fetchBounded(new URL(server.url), { ...bounds, timeoutMs }).then(
        () => 'answered',
        (error: unknown) => (error instanceof FetchFailed ? error.problem : String(error)),
      );
      assert.equal(end, problem);
      assert.equal(server.seen.length, 1);
      await eventually('the connection is closed', 5000, () => server.open === 0);
    });
  }

  test('a dead one, and one that does not speak HTTP', async () => {
    const url = new URL(`http://127.0.0.1:${await deadPort()}/`);
    await assert.rejects(fetchBounded(url, bounds), (error: unknown) => {
      return error instanceof FetchFailed && error.problem === 'network' && error.message.includes('ECONNREFUSED');
    });
    await using server = await serveHttp((_request, response) => {
      response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n');
    });
    await assert.rejects(fetchBounded(new URL(server.url), bounds), FetchFailed);
  });

  test('the signal ends it with its own reason, at any moment', async () => {
    await using server = await serveHttp(() => abort.abort(new Error('the client has left')));
    const abort = new AbortController();
    await assert.rejects(
      fetchBounded(new URL(server.url), { ...bounds, signal: abort.signal }),
      /the client has left/u,
    );
    await assert.rejects(
      fetchBounded(new URL(server.url), { ...bounds, signal: abort.signal }),
      /the client has left/u,
    );
    assert.equal(server.seen.length, 1);
    await eventually('the connection is closed', 5000, () => server.open === 0);
  });

  test('a body is sent with its length, and what comes back is whole', async () => {
    await using server = await serveHttp((request, response) => {
      request.pipe(response);
    });
    const body = Buffer.from('question');
    const headers = { 'content-type': 'application/ocsp-request' };
    const answer = await fetchBounded(new URL(server.url), { ...bounds, method: 'POST', headers, body });
    assert.deepEqual([answer.status, Buffer.from(answer.bytes).toString()], [200, 'question']);
    assert.equal(server.seen[0]?.headers['content-length'], '8');
    assert.equal(server.seen[0].headers['accept-encoding'], 'identity');
  });
});
