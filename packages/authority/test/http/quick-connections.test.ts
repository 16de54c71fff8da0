import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { PublicServer } from '../../src/http/public.ts';
import type { PublicRoute } from '../../src/http/public.ts';
import { QuickConnections } from '../../src/http/quick-connections.ts';
import type { QuickAnswer } from '../../src/http/quick-connections.ts';
import { drain } from '../../src/running/closing.ts';

const asked = 'GET /quick/a HTTP/1.1\r\nHost: a\r\n\r\n';
const last = 'GET /quick/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const posted = (body: string, more = ''): string =>
  `POST /quick HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

const opened: (Server | Socket)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) {
    if ('listening' in one) {
      if (one instanceof PublicServer) one.closeAllConnections();
      if (one.listening) await new Promise((resolve) => one.close(resolve));
    } else one.destroy();
  }
});

async function listening<T extends Server>(server: T): Promise<T> {
  opened.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return server;
}

async function client(server: Server): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  opened.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** What a route answers: what it was asked, with its body in capitals. */
function fieldsOf(target: string, body: string): readonly string[] {
  return ['x-target', target, 'content-length', String(body.length)];
}

/** The route answers in both ways, and notes what it answers at once. */
function route(atOnce: string[] | undefined): PublicRoute {
  const slow: PublicRoute = {
    prefix: '/quick',
    methods: ['GET', 'HEAD', 'POST'],
    answer: async ({ path, request, response }) => {
      const body = (await buffer(request)).toString('latin1').toUpperCase();
      response.writeHead(200, [...fieldsOf(path, body)]).end(body, 'latin1');
      return true;
    },
  };
  if (atOnce === undefined) return slow;
  const answer = ({ head, body }: { head: { target: string }; body: string }): QuickAnswer | undefined => {
    if (head.target.endsWith('/slow')) return undefined;
    if (head.target.endsWith('/broken')) throw new Error('broken');
    atOnce.push(head.target);
    return { fields: fieldsOf(head.target, body.toUpperCase()), body: body.toUpperCase() };
  };
  return { ...slow, atOnce: answer };
}

function serve(atOnce?: string[]): Promise<PublicServer> {
  return listening(new PublicServer([route(atOnce)], pino({ level: 'silent' })));
}

/** All that comes back for octets that are written one after the other, each when the one before was answered; without dates. */
async function conversation(server: Server, writes: readonly string[]): Promise<string> {
  const socket = await client(server);
  const got: Buffer[] = [];
  const closed = once(socket, 'close');
  socket.on('data', (octets: Buffer) => got.push(octets));
  for (const octets of writes) {
    const answered = once(socket, 'data');
    socket.write(octets, 'latin1');
    await Promise.race([answered.catch(() => undefined), closed]);
  }
  await closed;
  return Buffer.concat(got)
    .toString('latin1')
    .replaceAll(/^Date: .*$/gmu, 'Date');
}

describe('the plain listener, where a route can answer at once', () => {
  it('answers octet by octet as without', async () => {
    const atOnce: string[] = [];
    const [quick, plain] = [await serve(atOnce), await serve()];
    const writes = [asked, posted('abc'), posted('abd', 'Connection: keep-alive\r\n'), posted(''), asked, last];
    const answers = await conversation(quick, writes);
    assert.equal(answers, await conversation(plain, writes));
    assert.equal(answers.match(/HTTP\/1\.1 200 OK/gu)?.length, writes.length);
    assert.deepEqual(atOnce, ['/quick/a', '/quick', '/quick', '/quick', '/quick/a']);
  });

  const strange: Readonly<Record<string, readonly string[]>> = {
    'requests in a row': [posted('a') + asked + posted('b') + last],
    'a request and the beginning of the next': [asked + asked.slice(0, 9), asked.slice(9), last],
    chunks: [posted('', 'Transfer-Encoding: chunked\r\n'), last],
    'chunks alone': ['POST /quick HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n', last],
    'chunks hidden by a blank': [posted('0\r\n\r\n', 'Transfer-Encoding : chunked\r\n'), last],
    'two lengths': [posted('abc', 'Content-Length: 1\r\n'), last],
    'the same length twice': [posted('abc', 'Content-Length: 3\r\n'), last],
    'no Host': [asked.replace('Host', 'Hast'), last],
    'no such method': [asked.replace('GET', 'GOT'), last],
    'a method that is not taken': [asked.replace('GET', 'PUT'), last],
    HEAD: [asked.replace('GET', 'HEAD'), last],
    'HTTP/1.0': [asked.replace('1.1', '1.0')],
    'HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    'a connection that ends': [posted('abc', 'Connection: close\r\n')],
    'an expectation': [posted('', 'Expect: 100-continue\r\n'), last],
    'an expectation that nobody has': [posted('', 'Expect: 200-ok\r\n'), last],
    'a folded line': [posted('abc', 'X: a\r\n b\r\n'), last],
    'a NUL': [posted('abc', 'X: \0\r\n'), last],
    'LF alone': [asked.replaceAll('\r\n', '\n'), last],
    'no such path': [asked.replace('/quick/a', '/other'), last],
    'a query': [asked.replace('/quick/a', '/quick/a?b'), last],
    'what is not answered at once': [asked.replace('/quick/a', '/quick/slow'), asked, last],
    'what fails': [asked.replace('/quick/a', '/quick/broken'), asked, last],
    'a long body': [posted('a'.repeat(5000)), last],
    'a head that is too long': [asked.replace('Host', `X: ${'a'.repeat(9000)}\r\nHost`), last],
    'octets that are no HTTP': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  };
  for (const [what, writes] of Object.entries(strange)) {
    it(`leaves to node:http: ${what}`, async () => {
      const atOnce: string[] = [];
      const [quick, plain] = [await serve(atOnce), await serve()];
      // Also after a request that was answered at once, on the same connection.
      for (const all of [writes, [posted('first'), ...writes]]) {
        const answers = await conversation(quick, all);
        assert.equal(answers, await conversation(plain, all));
        assert.notEqual(answers, '');
      }
      assert.deepEqual(atOnce, ['/quick']);
    });
  }

  it('answers a request that comes in pieces', async () => {
    const quick = await serve([]);
    const socket = await client(quick);
    const got = buffer(socket);
    // Each piece is on its way to the server before the next is written.
    for (const octet of posted('abc', 'Connection: close\r\n')) {
      await new Promise<void>((resolve) => socket.write(octet, () => resolve()));
    }
    assert.match((await got).toString('latin1'), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nABC$/u);
  });

  it('ends its side of a connection where the client does', async () => {
    const quick = await serve([]);
    const socket = await client(quick);
    const got = buffer(socket);
    socket.end(posted('abc'));
    assert.match((await got).toString('latin1'), /\r\n\r\nABC$/u);
    const silent = await client(quick);
    silent.end();
    assert.equal((await buffer(silent)).length, 0);
  });

  it('answers while it ends, each connection with its last answer, and waits for no idle one', async () => {
    const quick = await serve([]);
    const [idle, busy] = [await client(quick), await client(quick)];
    for (const socket of [idle, busy]) {
      socket.write(asked);
      await once(socket, 'data');
    }
    const drained = drain(quick);
    while (quick.listening) await new Promise((resolve) => setImmediate(resolve));
    const rest = buffer(busy);
    busy.write(asked);
    assert.match((await rest).toString('latin1'), /^Connection: close\r$/mu);
    await Promise.all([drained, once(idle, 'close')]);
  });
});

describe('quick connections', () => {
  async function quickly(answer: QuickAnswer | undefined) {
    const handed: Socket[] = [];
    const left: Buffer[] = [];
    const quick = new QuickConnections({
      answer: () => answer,
      handOver: (socket) => {
        handed.push(socket);
        opened.push(socket.on('error', () => undefined).on('data', (octets: Buffer) => left.push(octets)));
      },
      keeps: () => true,
      keptSeconds: 5,
      clock: () => 0,
      failed: (error) => assert.fail(String(error)),
    });
    const server = createServer({ allowHalfOpen: true });
    const taken = new Promise<void>((resolve) => {
      server.on('connection', (socket) => {
        quick.take(socket);
        resolve();
      });
    });
    const socket = await client(await listening(server));
    await taken;
    return { quick, handed, left, socket };
  }

  it('end when they have been idle for the time that clients are told, and a second more', async () => {
    const { quick, handed, socket } = await quickly({ fields: [], body: '' });
    socket.write(asked);
    await once(socket, 'data');
    const closed = once(socket, 'close');
    for (let second = 0; second < 6; second++) quick.sweep();
    assert.equal(quick.size, 1);
    socket.write(asked);
    await once(socket, 'data');
    for (let second = 0; second < 6; second++) quick.sweep();
    assert.equal(quick.size, 1);
    quick.sweep();
    await closed;
    assert.deepEqual([quick.size, handed.length], [0, 0]);
  });

  it('are handed over when nothing was asked on them for a while', async () => {
    const { quick, handed } = await quickly(undefined);
    quick.sweep();
    assert.equal(quick.size, 1);
    quick.sweep();
    assert.deepEqual([quick.size, handed.length], [0, 1]);
  });

  it('are handed over with what was read and not answered', async () => {
    const { quick, handed, left, socket } = await quickly(undefined);
    socket.write(asked);
    while (left.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([quick.size, handed.length], [0, 1]);
    assert.equal(Buffer.concat(left).toString('latin1'), asked);
  });

  it('are handed over when a client does not take its answer', async () => {
    const { quick, handed, socket } = await quickly({ fields: [], body: 'a'.repeat(16 << 20) });
    socket.pause();
    socket.write(asked);
    while (handed.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(quick.size, 0);
    const [server] = handed as [Socket];
    assert.ok(server.writableLength > 0);
    server.end();
    const got = await buffer(socket);
    assert.equal(got.length - got.indexOf('\r\n\r\n') - 4, 16 << 20);
  });

  it('are forgotten when the client is gone', async () => {
    const { quick, socket } = await quickly({ fields: [], body: '' });
    socket.write(asked);
    await once(socket, 'data');
    socket.resetAndDestroy();
    while (quick.size > 0) await new Promise((resolve) => setImmediate(resolve));
    quick.sweep();
  });
});
