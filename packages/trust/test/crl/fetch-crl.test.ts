import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { fetchCrl, followCrlUrl, TrustError } from '../../src/index.ts';
import type { FetchedCrl, FetchOptions, UrlOptions } from '../../src/index.ts';

async function serve(listener: RequestListener): Promise<AsyncDisposable & { url: URL; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/ca.crl`),
    seen,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function failsFor(words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof TrustError && error.code === 'crl_fetch_failed' && words.test(error.message);
}

describe('fetching a CRL', () => {
  test('gives its octets, and asks next time only for a change', async () => {
    await using server = await serve((request, response) => {
      if (request.headers['if-none-match'] === '"7"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"7"', 'last-modified': 'Mon, 01 Jun 2026 00:00:00 GMT' }).end('octets');
    });
    const first = await fetchCrl(server.url);
    assert.ok(first.kind === 'fetched');
    assert.equal(Buffer.from(first.bytes).toString(), 'octets');
    assert.deepEqual(await fetchCrl(server.url, { etag: first.etag }), { kind: 'unchanged' });
    assert.equal(server.seen[0]?.headers['accept-encoding'], 'identity');
    await fetchCrl(server.url, { lastModified: first.lastModified });
    assert.equal(server.seen[2]?.headers['if-modified-since'], first.lastModified);
  });

  test('follows no redirect', async () => {
    await using inner = await serve((_request, response) => response.end('metadata'));
    await using server = await serve((_request, response) => {
      response.writeHead(302, { location: inner.url.href }).end();
    });
    await assert.rejects(fetchCrl(server.url), failsFor(/redirects/));
    assert.equal(inner.seen.length, 0);
  });

  test('refuses errors, compression, and other schemes', async () => {
    await using missing = await serve((_request, response) => response.writeHead(404).end('<html>'));
    await assert.rejects(fetchCrl(missing.url), failsFor(/404/));
    const bomb = gzipSync(Buffer.alloc(1024 * 1024));
    await using zipped = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    await assert.rejects(fetchCrl(zipped.url), failsFor(/compressed/));
    await assert.rejects(fetchCrl(new URL('file:///etc/passwd')), failsFor(/only http and https/));
    await assert.rejects(fetchCrl(new URL('http://127.0.0.1:1/')), failsFor(/ECONNREFUSED/));
  });

  test('ends at its bounds of size and time, and notices what was cut off', async () => {
    await using endless = await serve((_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await assert.rejects(fetchCrl(endless.url, { maxBytes: 1_000_000 }), failsFor(/larger than 1000000/));
    await using dripping = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('x');
    });
    await assert.rejects(fetchCrl(dripping.url, { timeoutMs: 50 }), failsFor(/too long/));
    await using silent = await serve(() => undefined);
    await assert.rejects(fetchCrl(silent.url, { timeoutMs: 50 }), failsFor(/too long/));
    await using cut = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('half', () => response.destroy());
    });
    await assert.rejects(fetchCrl(cut.url), failsFor(/./));
  });

  test('ends when it is told to', async () => {
    await using silent = await serve(() => abort.abort());
    const abort = new AbortController();
    await assert.rejects(fetchCrl(silent.url, { signal: abort.signal }), failsFor(/./));
  });
});

describe('following a CRL at a URL', () => {
  const HOUR = 3_600_000;

  /** Runs the follower over answers, and gives the pauses between them and what was asked. */
  async function follow(
    answers: readonly (FetchedCrl | Error)[],
    more: Partial<UrlOptions> & { nextUpdate?: number } = {},
  ): Promise<{ pauses: number[]; asked: FetchOptions[]; problems: unknown[]; crls: number }> {
    const pauses: number[] = [];
    const asked: FetchOptions[] = [];
    const problems: unknown[] = [];
    let crls = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const following = followCrlUrl(
      new URL('http://crl.example/ca.crl'),
      {
        onCrl: () => {
          crls += 1;
          return more.nextUpdate;
        },
        onProblem: (error) => problems.push(error),
      },
      {
        now: () => 0,
        random: () => 0.5,
        fetch: (_url, options) => {
          asked.push(options);
          const answer = answers[asked.length - 1];
          return answer instanceof Error || answer === undefined
            ? Promise.reject(answer ?? new Error('over'))
            : Promise.resolve(answer);
        },
        wakeAfter: (ms, wake) => {
          pauses.push(Math.round(ms));
          if (pauses.length < answers.length) queueMicrotask(wake);
          else resolve();
          return { stop: () => undefined };
        },
        ...more,
      },
    );
    await following.started;
    await promise;
    following.stop();
    return { pauses, asked, problems, crls };
  }

  const fetched: FetchedCrl = { kind: 'fetched', bytes: new Uint8Array(1), etag: '"1"', lastModified: undefined };

  test('fetches hourly, asking for changes', async () => {
    const { pauses, asked, crls } = await follow([fetched, { kind: 'unchanged' }]);
    assert.deepEqual(pauses, [HOUR, HOUR]);
    assert.equal(asked[1]?.etag, '"1"');
    assert.equal(crls, 1);
  });

  test('fetches well before the end of a short-lived one, but not in a frenzy', async () => {
    assert.deepEqual((await follow([fetched], { nextUpdate: HOUR })).pauses, [HOUR / 2]);
    assert.deepEqual((await follow([fetched], { nextUpdate: -HOUR })).pauses, [5000]);
    assert.deepEqual((await follow([fetched], { nextUpdate: 1e12, everyMs: 60_000 })).pauses, [60_000]);
  });

  test('comes back after failures with back-off, spread out, and asks for the whole again', async () => {
    const down = new Error('down');
    const { pauses, problems, asked } = await follow([fetched, down, down, down, fetched]);
    assert.deepEqual(pauses, [HOUR, 5000, 10_000, 20_000, HOUR]);
    assert.equal(problems.length, 3);
    assert.equal(asked[4]?.etag, undefined);
    const spread = await follow([down], { random: () => 0 });
    assert.deepEqual(spread.pauses, [4500]);
    const long = await follow(Array.from({ length: 12 }, () => down));
    assert.equal(long.pauses.at(-1), 300_000);
  });

  test('takes a CRL that is refused for a failure', async () => {
    const problems: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<number>();
    const following = followCrlUrl(
      new URL('http://crl.example/ca.crl'),
      {
        onCrl: () => {
          throw new TrustError('crl_rollback', 'older');
        },
        onProblem: (error) => problems.push(error),
      },
      {
        now: () => 0,
        random: () => 0.5,
        fetch: () => Promise.resolve(fetched),
        wakeAfter: (ms) => {
          resolve(ms);
          return { stop: () => undefined };
        },
      },
    );
    assert.equal(await promise, 5000);
    following.stop();
    assert.equal((problems[0] as TrustError).code, 'crl_rollback');
  });
});
