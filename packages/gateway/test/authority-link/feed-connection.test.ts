import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedConnection } from '@countersign/trust';

interface Attempt {
  readonly url: URL;
  readonly signal: AbortSignal;
  answer(response: Response): void;
}

/** A connection whose other side is this test: each attempt waits for its answer. */
function follow(extra: { silenceMs?: number; cursor?: () => string | undefined; full?: () => boolean } = {}) {
  const attempts: Attempt[] = [];
  const waiting: ((attempt: Attempt) => void)[] = [];
  const lines: unknown[] = [];
  const downs: string[] = [];
  const connection = new FeedConnection({
    fetch: (url, { signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        const attempt = { url, signal, answer: resolve };
        attempts.push(attempt);
        waiting.shift()?.(attempt);
      }),
    url: new URL('https://ca.test:8443/'),
    gateway: 'g1',
    cursor: () => undefined,
    onLine: (line) => {
      if (line === 'bad') throw new Error('such a line cannot be taken');
      lines.push(line);
    },
    onUp: () => lines.push('up'),
    onDown: (reason) => downs.push(reason),
    random: () => 0,
    ...extra,
  });
  const running = connection.run();
  let taken = 0;
  const next = async (): Promise<Attempt> => {
    const attempt = attempts[taken] ?? (await new Promise<Attempt>((resolve) => waiting.push(resolve)));
    taken += 1;
    return attempt;
  };
  return { connection, running, lines, downs, next };
}

/** A response whose body is these chunks, and then ends, or goes on until the signal. */
function stream(chunks: readonly string[], endless?: AbortSignal): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk));
      if (endless === undefined) controller.close();
      // As of a real answer: who aborts the request ends its body.
      endless?.addEventListener('abort', () => controller.error(endless.reason));
    },
  });
  return new Response(body);
}

test('lines are taken whole however they are cut, and the next try goes on at the cursor', async () => {
  let cursor: string | undefined;
  let full = false;
  const { connection, running, lines, downs, next } = follow({ cursor: () => cursor, full: () => full });
  const first = await next();
  assert.equal(first.url.href, 'https://ca.test:8443/v1/feed?gateway=g1');
  cursor = '00aa:7';
  first.answer(stream(['{"a":', '1}\n\n{"b":2}\n"c', '"\n"cut off']));
  const second = await next();
  assert.deepEqual(lines, ['up', { a: 1 }, { b: 2 }, 'c']);
  assert.deepEqual(downs, ['the authority closed it']);
  assert.equal(second.url.searchParams.get('cursor'), '00aa:7');
  assert.equal(second.url.searchParams.get('snapshot'), null);
  full = true;
  second.answer(stream(['"more"\n']));
  assert.equal((await next()).url.search, '?gateway=g1&cursor=00aa%3A7&snapshot=full');
  connection.stop();
  await running;
});

test('a refusal is told in the words of the authority; a line that cannot be taken ends the connection', async () => {
  const { connection, running, downs, next } = follow();
  (await next()).answer(new Response('{"code":"forbidden"}', { status: 403 }));
  const second = await next();
  second.answer(stream(['"bad"\n"later"\n'], second.signal));
  (await next()).answer(stream(['{"half\n']));
  await next();
  assert.match(downs[0] ?? '', /403.*forbidden/);
  assert.match(downs[1] ?? '', /cannot be taken/);
  assert.equal(downs.length, 3);
  connection.stop();
  await running;
});

test('a feed that falls silent is given up, one that speaks is not; told to connect anew, it does', async () => {
  const { connection, running, downs, next } = follow({ silenceMs: 40 });
  const first = await next();
  first.answer(stream(['"hello"\n'], first.signal));
  const second = await next();
  assert.match(downs[0] ?? '', /silent/);
  second.answer(stream([], second.signal));
  connection.reconnect('a new certificate');
  await next();
  assert.match(downs[1] ?? '', /a new certificate/);
  connection.stop();
  await running;
});
