import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { PublicServer } from '../../src/http/public.ts';
import { publishedRoute } from '../../src/http/published.ts';
import type { Published } from '../../src/http/published.ts';

const modified = Date.UTC(2026, 0, 1, 12, 0, 0, 500);
const octets = new TextEncoder().encode('a list');
const list: Published = {
  mediaType: 'application/pkix-crl',
  etag: '"7"',
  lastModified: modified,
  maxAgeSeconds: 60,
  length: octets.length,
  content: octets,
};

describe('the plain listener', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  async function serve(published: Readonly<Record<string, Published>>): Promise<number> {
    const server = new PublicServer([publishedRoute('/crl/', (path) => published[path])], pino({ level: 'silent' }));
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function ask(
    port: number,
    path: string,
    method = 'GET',
    headers: Record<string, string> = {},
  ): Promise<IncomingMessage> {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return response;
  }
  async function bodyOf(response: IncomingMessage): Promise<string> {
    let text = '';
    for await (const chunk of response.setEncoding('latin1')) text += String(chunk);
    return text;
  }

  it('sends what is published, with a tag, a date and how long caches may keep it; HEAD sends the same without it', async () => {
    const port = await serve({ '/crl/a.crl': list });
    const got = await ask(port, '/crl/a.crl?cache=no');
    assert.equal(got.statusCode, 200);
    assert.equal(got.headers['content-type'], 'application/pkix-crl');
    assert.equal(got.headers.etag, '"7"');
    assert.equal(got.headers['last-modified'], 'Thu, 01 Jan 2026 12:00:00 GMT');
    assert.equal(got.headers['cache-control'], 'public, max-age=60');
    assert.equal(await bodyOf(got), 'a list');
    const head = await ask(port, '/crl/a.crl', 'HEAD');
    assert.deepEqual([head.statusCode, head.headers['content-length'], head.headers.etag], [200, '6', '"7"']);
    assert.equal(await bodyOf(head), '');
  });

  it('answers 304 to whoever has it already, by its tag before its date', async () => {
    const port = await serve({ '/crl/a.crl': list });
    const same = 'Thu, 01 Jan 2026 12:00:00 GMT';
    const cases: [Record<string, string>, number][] = [
      [{ 'if-none-match': '"7"' }, 304],
      [{ 'if-none-match': '"6", W/"7"' }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"6"' }, 200],
      [{ 'if-modified-since': same }, 304],
      [{ 'if-modified-since': 'Thu, 01 Jan 2026 11:59:59 GMT' }, 200],
      [{ 'if-modified-since': 'yesterday' }, 200],
      [{ 'if-none-match': '"6"', 'if-modified-since': same }, 200],
    ];
    for (const [headers, status] of cases) {
      const response = await ask(port, '/crl/a.crl', 'GET', headers);
      assert.equal(response.statusCode, status, JSON.stringify(headers));
      assert.equal(response.headers.etag, '"7"');
      assert.equal(await bodyOf(response), status === 200 ? 'a list' : '');
    }
  });

  it('knows no other path and no other method', async () => {
    const port = await serve({ '/crl/a.crl': list });
    assert.equal((await ask(port, '/crl/b.crl')).statusCode, 404);
    assert.equal((await ask(port, '/elsewhere')).statusCode, 404);
    const post = await ask(port, '/crl/a.crl', 'POST');
    assert.deepEqual([post.statusCode, post.headers.allow], [405, 'GET, HEAD']);
  });

  const pieceOctets = 256 << 10;
  /** A long list that counts what was read of it. */
  function longList(pieces: number, failAt = Number.POSITIVE_INFINITY): Published & { readonly read: () => number } {
    let read = 0;
    return {
      ...list,
      length: pieces * pieceOctets,
      read: () => read,
      content: async function* () {
        for (let piece = 0; piece < pieces; piece += 1) {
          if (piece === failAt) throw new Error('it is gone');
          read += 1;
          yield new Uint8Array(pieceOctets).fill(97);
        }
      },
    };
  }

  it('reads a long list no further than its reader takes it, and sends all of it', async () => {
    const long = longList(400);
    const port = await serve({ '/crl/long.crl': long });
    const response = await ask(port, '/crl/long.crl');
    await once(response, 'readable');
    // Nobody reads on: what is under way fits into the buffers of two sockets.
    for (let before = -1; before !== long.read();) {
      before = long.read();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.ok(long.read() < 100, `${long.read()} of 400 pieces were read`);
    let length = 0;
    for await (const chunk of response) length += (chunk as Buffer).length;
    assert.equal(length, 400 * pieceOctets);
  });

  it('breaks off where the rest cannot be read, so that nothing looks whole that is not', async () => {
    const port = await serve({ '/crl/long.crl': longList(40, 20) });
    await assert.rejects(bodyOf(await ask(port, '/crl/long.crl')), { code: 'ECONNRESET' });
  });

  it('has a bound on long answers under way, and still answers what is short', async () => {
    const port = await serve({ '/crl/long.crl': longList(1000), '/crl/a.crl': list });
    const first = await Promise.all(Array.from({ length: 64 }, () => ask(port, '/crl/long.crl')));
    assert.ok(first.every(({ statusCode }) => statusCode === 200));
    const refused = await ask(port, '/crl/long.crl');
    assert.deepEqual([refused.statusCode, refused.headers['retry-after']], [503, '5']);
    assert.equal((await ask(port, '/crl/a.crl')).statusCode, 200);
    const closed = first.map((response) => once(response.destroy(), 'close'));
    await Promise.all(closed);
    let again = await ask(port, '/crl/long.crl');
    // The server hears of the end of each connection in its own time.
    while (again.statusCode === 503) again = await ask(port, '/crl/long.crl');
    assert.equal(again.statusCode, 200);
    again.destroy();
  });
});
