// A revocation that bites: wherever the revoked client already was, it is out within a second, and nobody else is.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type ClientFiles,
  curl,
  eventually,
  getRequest,
  http2Connection,
  type Product,
  rawConnection,
  sClient,
  startProduct,
  temporaryFolder,
  tlsOptions,
  without,
} from '@countersign/testkit';
import { WebSocket, WebSocketServer } from 'ws';

const withinMs = 1000;
const folder = temporaryFolder();
let upstream: Server;
let upstreamUrl: string;
let product: Product;

before(async () => {
  upstream = createServer((request, response) => {
    if (request.url !== '/download') {
      response.end('here');
      return;
    }
    // A download that never ends by itself: a chunk whenever the last one has gone out.
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    const timer = setInterval(() => response.write('x'.repeat(1024)), 20);
    response.on('close', () => clearInterval(timer));
  });
  const sockets = new WebSocketServer({ server: upstream });
  sockets.on('connection', (socket) => socket.on('message', (text: Buffer) => socket.send(`echo ${text.toString()}`)));
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  product = await startProduct({ upstream: upstreamUrl, args: ['--workers', '2'] });
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  upstream.closeAllConnections();
  upstream.close();
  folder[Symbol.dispose]();
});

const port = (): number => product.port('gateway');

async function client(name: string): Promise<ClientFiles> {
  const out = join(folder.path, name);
  const ran = await product.cli('issue', name, '--out', out);
  assert.equal(ran.code, 0, ran.stderr);
  return { ca: join(out, 'ca.crt'), cert: join(out, `${name}.crt`), key: join(out, `${name}.key`) };
}

/** Revokes and returns the moment at which the command had ended. */
async function revoke(name: string): Promise<number> {
  const ran = await product.cli('revoke', name, '--json');
  assert.equal(ran.code, 0, ran.stderr);
  const result = JSON.parse(ran.stdout) as { convergence: { gateways: number; converged: number } };
  assert.deepEqual([result.convergence.gateways, result.convergence.converged], [1, 1]);
  return performance.now();
}

async function endsInTime(ended: Promise<number>, revokedAt: number): Promise<void> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`still alive ${withinMs} ms after the command`)), withinMs).unref();
  });
  const at = await Promise.race([ended, late]);
  assert.ok(at - revokedAt < withinMs);
}

test('a new handshake of a revoked client is refused as revoked', { skip: without('curl') }, async () => {
  const files = await client('newcomer');
  assert.equal((await curl(`https://localhost:${port()}/`, files)).status, 200);
  await revoke('newcomer');
  for (const tls of ['1.2', '1.3']) {
    const answer = await curl(`https://localhost:${port()}/`, files, ['--tls-max', tls]);
    assert.equal(answer.status, 403, answer.error);
    assert.equal((JSON.parse(answer.body) as { code: string }).code, 'revoked');
  }
});

for (const version of ['1.2', '1.3'] as const) {
  test(
    `a session from before the revocation gets nobody in on TLS ${version}, on any worker`,
    { skip: without('openssl') },
    async () => {
      const files = await client(`resumer-${version}`);
      const sessionOut = folder.in(`session-${version}`);
      // An earlier revocation may change the ticket keys between two connections: then the next pair is tried.
      await eventually('a session that is taken up again', 10_000, async () => {
        const first = await sClient({ port: port(), client: files, version, sessionOut });
        assert.equal(first.status, 200, first.output);
        const second = await sClient({ port: port(), client: files, version, sessionIn: sessionOut });
        assert.equal(second.status, 200, second.output);
        return second.reused;
      });
      await revoke(`resumer-${version}`);
      // As often as it takes to have met both workers, as good as surely.
      for (let attempt = 0; attempt < 8; attempt += 1) {
        const again = await sClient({ port: port(), client: files, version, sessionIn: sessionOut });
        assert.equal(again.status, 403, again.output);
        assert.match(again.output, /"code":"revoked"/u);
      }
    },
  );
}

test('an idle keep-alive connection is ended without further bytes', async () => {
  using connection = await rawConnection(tlsOptions(port(), await client('idler')));
  await connection.ask(getRequest, /here/u);
  const before = connection.received();
  await endsInTime(connection.ended, await revoke('idler'));
  assert.equal(connection.received(), before);
});

test('an HTTP/2 connection with a stream in progress is ended, after GOAWAY', async () => {
  using connection = await http2Connection(port(), await client('streamer'));
  const stream = connection.session.request({ ':path': '/download' });
  stream.on('error', () => undefined);
  await once(stream, 'data');
  await endsInTime(connection.ended, await revoke('streamer'));
  assert.ok(connection.sawGoaway());
});

test('a WebSocket is ended', async () => {
  const files = await client('socketeer');
  const { ca, cert, key } = tlsOptions(port(), files);
  const socket = new WebSocket(`wss://localhost:${port()}/`, { ca, cert, key });
  await once(socket, 'open');
  const answer = once(socket, 'message');
  socket.send('hello');
  assert.equal(String((await answer)[0]), 'echo hello');
  const ended = once(socket, 'close').then(() => performance.now());
  socket.on('error', () => undefined);
  await endsInTime(ended, await revoke('socketeer'));
});

test('a download in progress is cut off', async () => {
  using connection = await rawConnection(tlsOptions(port(), await client('downloader')));
  await connection.ask('GET /download HTTP/1.1\r\nHost: localhost\r\n\r\n', /xxxx/u);
  await endsInTime(connection.ended, await revoke('downloader'));
});

test("other clients' connections live on untouched", async () => {
  const bystander = await client('bystander');
  await client('culprit');
  using plain = await rawConnection(tlsOptions(port(), bystander));
  using streams = await http2Connection(port(), bystander);
  await plain.ask(getRequest, /here/u);
  assert.equal((await streams.get('/')).status, 200);
  await revoke('culprit');
  await plain.ask(getRequest, /here/u);
  assert.equal((await streams.get('/')).body, 'here');
  assert.ok(!streams.sawGoaway());
});

test('revoking again is no error, revoking nobody is', async () => {
  await client('twice');
  assert.equal((await product.cli('revoke', 'twice', '--reason', 'keyCompromise')).code, 0);
  assert.equal((await product.cli('revoke', 'twice')).code, 0);
  const nobody = await product.cli('revoke', 'nobody');
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /^countersign: .*nobody.*\n$/u);
});

test('a serial number works in any case and with colons, and so does a file', async () => {
  await client('by-serial');
  const [record] = await product.json('show', 'by-serial');
  const serial = String(record?.['serial']).toUpperCase().match(/../gu)?.join(':') ?? '';
  assert.equal((await product.cli('revoke', serial)).code, 0);
  assert.equal((await product.json('show', 'by-serial'))[0]?.['status'], 'revoked');
  const files = await client('by-file');
  assert.equal((await product.cli('revoke', files.cert)).code, 0);
  assert.equal((await product.json('show', 'by-file'))[0]?.['status'], 'revoked');
});

test('a hold refuses until it is released', { skip: without('curl') }, async () => {
  const files = await client('held');
  assert.equal((await product.cli('revoke', 'held', '--reason', 'certificateHold')).code, 0);
  assert.equal((await product.json('show', 'held'))[0]?.['status'], 'held');
  assert.equal((await curl(`https://localhost:${port()}/`, files)).status, 403);
  assert.equal((await product.cli('release', 'held')).code, 0);
  assert.equal((await curl(`https://localhost:${port()}/`, files)).status, 200);
  assert.equal((await product.cli('release', 'held')).code, 1);
});

test('revoke, kill the authority, restart the gateway: still refused', { skip: without('curl') }, async () => {
  await using alone = await startProduct({ upstream: upstreamUrl, args: ['--no-restart', '--workers', '1'] });
  const first = await alone.processes();
  const pidOf = (role: string): number => first.find((one) => one.role === role)?.pid ?? 0;
  assert.equal((await alone.cli('revoke', 'demo')).code, 0);
  process.kill(pidOf('authority'), 'SIGKILL');
  await alone.stop();
  // The folder keeps the last verified state: a gateway that comes up without the authority knows it.
  const config = folder.in('alone.json');
  const names = ['localhost', '127.0.0.1', '::1', hostname().toLowerCase()];
  writeFileSync(
    config,
    JSON.stringify({
      listeners: [
        {
          listen: '127.0.0.1:0',
          hosts: [{ names: ['*'], certificate: { authority: { names } }, upstream: upstreamUrl }],
        },
      ],
      authority: { url: `https://${alone.ready.authority}`, identity: join(alone.data, 'gateway') },
      state: join(alone.data, 'gateway/state'),
    }),
  );
  await using gateway = await startProduct({ command: ['gateway', '--config', config], data: alone.data });
  const answer = await curl(`https://localhost:${gateway.port('gateway')}/`, alone.client('demo'));
  assert.equal(answer.status, 403, answer.error);
  assert.equal((JSON.parse(answer.body) as { code: string }).code, 'revoked');
});
