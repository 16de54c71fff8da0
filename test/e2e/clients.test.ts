// The clients people have, over one gateway: each reaches the service as who it is, and keeps its connection.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createIdentity } from '@countersign/sdk';
import { http2Connection, type Product, startProduct } from '@countersign/testkit';
import { WebSocket, WebSocketServer } from 'ws';

let upstream: Server;
let product: Product;
let pem: { ca: string; cert: string; key: string };

interface Saw {
  readonly name: string;
  readonly method: string;
  readonly body: string;
}

before(async () => {
  upstream = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (chunk: string) => (body += chunk));
    incoming.on('end', () => {
      const saw = { name: incoming.headers['countersign-client-name'], method: incoming.method, body };
      response.end(JSON.stringify(saw));
    });
  });
  const sockets = new WebSocketServer({ server: upstream });
  sockets.on('connection', (socket, incoming) => {
    const name = String(incoming.headers['countersign-client-name']);
    socket.on('message', (text: Buffer) => socket.send(`${name}: ${text.toString()}`));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  product = await startProduct({ upstream: url, args: ['--workers', '1'] });
  const files = product.client('demo');
  const [ca, cert, key] = [files.ca, files.cert, files.key].map((path) => readFileSync(path, 'utf8'));
  pem = { ca: ca ?? '', cert: cert ?? '', key: key ?? '' };
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  upstream.closeAllConnections();
  upstream.close();
});

const url = (): string => `https://localhost:${product.port('gateway')}/`;
const body = 'a body of some length. '.repeat(5000);
const expected: Saw = { name: 'demo', method: 'POST', body };

test('fetch, with the identity of the SDK, again and again over its connection', async () => {
  const identity = await createIdentity(pem);
  try {
    for (let count = 0; count < 3; count += 1) {
      const answer = await identity.fetch(url(), { method: 'POST', body });
      assert.equal(answer.status, 200);
      assert.deepEqual(await answer.json(), expected);
    }
  } finally {
    identity.close();
  }
});

test("Node's https with a kept-alive agent: one connection for many requests", async () => {
  const agent = new Agent({ ...pem, keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  for (let count = 0; count < 3; count += 1) {
    const call = request(url(), { agent, method: 'POST' });
    call.end(body);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    ports.add(call.socket?.localPort);
    let text = '';
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
    assert.equal(response.statusCode, 200);
    assert.deepEqual(JSON.parse(text), expected);
  }
  assert.equal(ports.size, 1);
  agent.destroy();
});

test("Node's http2: many streams at once on one connection", async () => {
  using connection = await http2Connection(product.port('gateway'), product.client('demo'));
  const answers = await Promise.all(Array.from({ length: 50 }, () => connection.get('/')));
  for (const { status, body: text } of answers) {
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), { name: 'demo', method: 'GET', body: '' });
  }
  assert.ok(!connection.sawGoaway());
});

test('a WebSocket, in both directions, large messages too', async () => {
  const socket = new WebSocket(url().replace('https', 'wss'), pem);
  await once(socket, 'open');
  for (const text of ['hello', 'x'.repeat(1_000_000)]) {
    const answer = once(socket, 'message');
    socket.send(text);
    assert.equal(String((await answer)[0]), `demo: ${text}`);
  }
  socket.close();
  await once(socket, 'close');
});
