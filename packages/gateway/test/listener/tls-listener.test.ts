import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { before, test } from 'node:test';
import tls from 'node:tls';
import { sClient, type TestCa, without } from '@countersign/testkit';
import type { KeyPair } from '@countersign/trust';
import { type ListenerPeers, listenerPeers } from '../support/tls-listener.ts';

let ca: TestCa;
let server: KeyPair;
let client: KeyPair;
let start: ListenerPeers['start'];
let talk: ListenerPeers['talk'];

before(async () => {
  ({ ca, server, client, start, talk } = await listenerPeers());
});

test('a full handshake shows every presented certificate, also of an intermediate that nobody knows', async () => {
  await using fixture = await start();
  assert.equal((await talk(fixture.port)).text, '2 false');
  assert.deepEqual(fixture.names, ['localhost']);
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a ${version} session is resumed by another server with the same ticket keys, and no longer after new ones`, async () => {
    const ticketKeys = randomBytes(48);
    await using first = await start({ ticketKeys });
    await using second = await start({ ticketKeys });
    const { session } = await talk(first.port, { maxVersion: version });
    assert.ok(session, 'a session was given');
    assert.equal((await talk(second.port, { maxVersion: version, session })).text, '1 true');
    second.listener.setDefault(server, []);
    assert.equal(
      (await talk(second.port, { maxVersion: version, session })).text,
      '1 true',
      'a new certificate ends no session',
    );
    second.listener.setTicketKeys(randomBytes(48));
    assert.equal((await talk(second.port, { maxVersion: version, session })).text, '2 false');
  });
}

test('a context that cannot be had is the default, whatever the name (CVE-2026-21637)', async () => {
  await using fixture = await start({
    contextFor: () => {
      throw new Error('no such name');
    },
  });
  assert.equal(
    (await talk(fixture.port, { servername: 'x'.repeat(60), checkServerIdentity: () => undefined })).text,
    '2 false',
  );
  assert.equal((await talk(fixture.port, { servername: '', checkServerIdentity: () => undefined })).text, '2 false');
});

test('a ClientHello in pieces of one byte still has its server name', async () => {
  await using fixture = await start();
  const relay = net.createServer((inbound) => {
    const outbound = net.connect(fixture.port, '127.0.0.1');
    outbound.setNoDelay(true);
    let first = true;
    inbound.on('data', (chunk) => {
      const pieces = first ? [...Buffer.from(chunk)].map((octet) => Buffer.of(octet)) : [chunk];
      first = false;
      for (const piece of pieces) outbound.write(piece);
    });
    outbound.pipe(inbound);
    inbound.on('error', () => outbound.destroy());
    outbound.on('error', () => inbound.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  assert.equal((await talk((relay.address() as net.AddressInfo).port)).text, '2 false');
  assert.deepEqual(fixture.names, ['localhost']);
  relay.close();
});

test('plain HTTP is answered with a 400 that says so, and counted', async () => {
  await using fixture = await start();
  const socket = net.connect(fixture.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  const text = chunk.toString();
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.match(text, /"code":"bad_request"/);
  const id = /Countersign-Correlation-Id: (\S+)/.exec(text)?.[1];
  assert.equal(fixture.failures[0]?.id, id);
  assert.ok(socket.destroyed || (await once(socket, 'close')));
});

test('bytes that are no TLS, an old version and a weak cipher are refused, and the port goes on', async () => {
  await using fixture = await start();
  const noise = net.connect(fixture.port, '127.0.0.1');
  noise.on('error', () => undefined);
  noise.resume();
  noise.write(randomBytes(64).fill(0xff, 0, 1));
  await once(noise, 'close');
  for (const options of [
    { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' },
    { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
  ] as const) {
    await assert.rejects(talk(fixture.port, options), JSON.stringify(options));
  }
  assert.equal(fixture.failures.length, 4);
  assert.ok(fixture.failures.every((failure) => failure.remoteAddress === '127.0.0.1'));
  assert.equal((await talk(fixture.port)).text, '2 false');
  assert.equal(fixture.listener.handshakes, 0);
});

test('a handshake that does not go on is ended by its timeout', async () => {
  await using fixture = await start({ handshakeTimeoutMs: 60 });
  const silent = net.connect(fixture.port, '127.0.0.1');
  const half = net.connect(fixture.port, '127.0.0.1', () => half.write(Buffer.from([22, 3, 1, 0, 200, 1])));
  for (const socket of [silent, half]) socket.on('error', () => undefined).resume();
  await Promise.all([once(silent, 'close'), once(half, 'close')]);
  assert.deepEqual(
    fixture.failures.map((failure) => failure.code),
    ['ERR_TLS_HANDSHAKE_TIMEOUT', 'ERR_TLS_HANDSHAKE_TIMEOUT'],
  );
});

test('no more handshakes at once than the limit, and room again afterwards', async () => {
  await using fixture = await start({ maxHandshakes: 2 });
  const silent = [1, 2].map(() => net.connect(fixture.port, '127.0.0.1'));
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  const third = net
    .connect(fixture.port, '127.0.0.1')
    .on('error', () => undefined)
    .resume();
  await once(third, 'close');
  assert.deepEqual(fixture.overloads, ['handshakes']);
  for (const socket of silent) socket.destroy();
  while (fixture.listener.handshakes > 0) await new Promise((resolve) => void setImmediate(resolve));
  assert.equal((await talk(fixture.port)).text, '2 false');
});

test('no more connections at once than the limit, and room again afterwards', async () => {
  await using fixture = await start({
    maxConnections: 2,
    onHandshake: ({ socket }) => void socket.on('error', () => undefined),
  });
  const connect = () =>
    tls.connect({ port: fixture.port, host: '127.0.0.1', servername: 'localhost', ca: ca.pem, ...client });
  const open = [connect(), connect()];
  await Promise.all(open.map((socket) => once(socket, 'secureConnect')));
  const third = connect().on('error', () => undefined);
  await new Promise((resolve) => third.on('close', resolve));
  assert.deepEqual(fixture.overloads, ['connections']);
  for (const socket of open) socket.destroy();
  while (fixture.listener.connections > 0) await new Promise((resolve) => void setImmediate(resolve));
  const fourth = connect();
  await once(fourth, 'secureConnect');
  fourth.destroy();
});

test('who is connected without a word can be let go, and only he', async () => {
  await using fixture = await start();
  const silent = net
    .connect(fixture.port, '127.0.0.1')
    .on('error', () => undefined)
    .resume();
  const begun = net.connect(fixture.port, '127.0.0.1', () => begun.write(Buffer.from([22, 3, 1, 0, 200, 1])));
  begun.on('error', () => undefined).resume();
  while (fixture.listener.handshakes < 2) await new Promise((resolve) => void setImmediate(resolve));
  // The server has read what `begun` said when it has answered a later one.
  await talk(fixture.port);
  fixture.listener.endSilent();
  await once(silent, 'close');
  while (fixture.listener.handshakes > 1) await new Promise((resolve) => void setImmediate(resolve));
  assert.equal(fixture.listener.handshakes, 1);
  begun.destroy();
});

test('TLS 1.2 renegotiation with another certificate is cut off', async () => {
  await using fixture = await start({
    onHandshake: ({ socket }) => {
      socket.on('error', () => undefined);
    },
  });
  const socket = tls.connect({
    port: fixture.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: ca.pem,
    maxVersion: 'TLSv1.2',
    ...client,
  });
  await once(socket, 'secureConnect');
  const failure = await new Promise<Error | null>((resolve) => {
    socket.on('error', resolve);
    socket.renegotiate({ rejectUnauthorized: true, requestCert: true }, (error) => resolve(error));
  });
  assert.match(String(failure), /no renegotiation/i);
  socket.destroy();
});

test('clients are told the CAs that count', { skip: without('openssl') }, async () => {
  await using fixture = await start();
  const result = await sClient({ port: fixture.port, request: '' });
  assert.match(result.output, /Acceptable client certificate CA names\s+CN ?= ?Listener Root/);
});

test('stopping loses no connection that the kernel has accepted already', async () => {
  await using fixture = await start();
  const results: Promise<unknown>[] = [];
  for (let count = 0; count < 40; count++) results.push(talk(fixture.port));
  const first = net.connect(fixture.port, '127.0.0.1');
  await once(first, 'connect');
  await fixture.listener.stopAccepting(2000);
  first.destroy();
  const settled = await Promise.allSettled(results);
  const lost = settled.filter((one) => one.status === 'rejected' && !String(one.reason).includes('ECONNREFUSED'));
  assert.deepEqual(lost, []);
});
