// A real authority and a real gateway, held together by the feed.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { initAuthority, type RunningAuthority, startAuthority } from '@countersign/authority';
import { enroll, keyPem, type Material } from '@countersign/sdk';
import { eventually, startUpstream, temporaryFolder, type Upstream } from '@countersign/testkit';
import { ask, type GatewayUnderTest, startGateway } from '../../packages/gateway/test/support/gateway-process.ts';
import type { GatewayConfigInput } from '../../packages/gateway/src/config/schema.ts';
import { Primary } from '../../packages/gateway/src/primary/primary.ts';

const folder = temporaryFolder();
const data = folder.in('D');
const ports = { authority: '127.0.0.1:0', http: '127.0.0.1:0' };
let authority: RunningAuthority;
let upstream: Upstream;
let gateway: GatewayUnderTest;

async function start(): Promise<RunningAuthority> {
  const running = await startAuthority({
    dataDir: data,
    passphrase: 'open sesame',
    listen: ports.authority,
    http: ports.http,
    heartbeatSeconds: 1,
    logLevel: 'error',
  });
  ports.authority = running.listen.authority;
  ports.http = running.listen.http;
  return running;
}

/** The authority's API by its local socket, as `countersign` calls it. */
async function call(path: string, body: object | undefined, method = 'POST'): Promise<Record<string, unknown>> {
  const outgoing = httpRequest({
    socketPath: authority.listen.admin,
    path,
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
  });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
}

async function enrollClient(name: string): Promise<Material> {
  const { token } = await call('/v1/tokens', { name });
  return enroll({ token: String(token) });
}

async function gatewayToken(): Promise<string> {
  const sans = [{ type: 'dns', value: 'localhost' }];
  return String((await call('/v1/tokens', { name: 'gateway', profile: 'gateway', sans }))['token']);
}

function config(identity: string): GatewayConfigInput {
  return {
    listeners: [
      {
        listen: '127.0.0.1:0',
        hosts: [{ names: ['localhost'], certificate: { authority: {} }, upstream: upstream.url }],
      },
    ],
    authority: { url: `https://${ports.authority}`, identity },
    admin: { listen: '127.0.0.1:0' },
    workers: 2,
  };
}

before(async () => {
  upstream = await startUpstream();
  await initAuthority(data, { passphrase: 'open sesame', rootPassphrase: 'another' });
  authority = await start();
  gateway = await startGateway({ baseDir: data, config: config('gateway'), token: await gatewayToken() });
});

after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await authority?.close();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function asClient(material: Material): { chainPem: string; keyPem: string; pem: string } {
  return { chainPem: material.certPem, pem: material.certPem, keyPem: keyPem(material) };
}

const request = (material: Material, extra: Partial<Parameters<typeof ask>[0]> = {}) =>
  ask({ port: gateway.port(), ca: material.caPem, sni: 'localhost', client: asClient(material), ...extra });

async function goLive(material: Material): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    port: gateway.port(),
    host: '127.0.0.1',
    servername: 'localhost',
    ca: material.caPem,
    cert: material.certPem,
    key: keyPem(material),
  });
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  assert.match(chunk.toString(), /^HTTP\/1\.1 200 /);
  return socket;
}

test('when a revocation is answered, the revoked is out everywhere: connections, sessions, handshakes; others are not', async () => {
  const [alice, bob] = [await enrollClient('alice'), await enrollClient('bob')];
  const sessions = await Promise.all((['TLSv1.2', 'TLSv1.3'] as const).map((version) => request(alice, { version })));
  const live = await Promise.all(Array.from({ length: 6 }, () => goLive(alice)));
  const others = await Promise.all([goLive(bob), goLive(bob)]);
  const ended = Promise.all(live.map((socket) => once(socket, 'close')));
  const { convergence } = await call('/v1/revocations', { name: 'alice' });
  assert.deepEqual({ ...(convergence as object), waitedMs: 0 }, { gateways: 1, converged: 1, waitedMs: 0 });
  await ended;
  for (const [index, version] of (['TLSv1.2', 'TLSv1.3'] as const).entries()) {
    for (let count = 0; count < 4; count++) {
      const answer = await request(alice, { version, session: sessions[index]?.session });
      assert.equal(answer.code, 'revoked');
    }
  }
  assert.equal((await request(alice)).code, 'revoked');
  for (const socket of others) {
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    assert.match(chunk.toString(), /^HTTP\/1\.1 200 /);
    socket.destroy();
  }
});

test('a revocation has not converged while one worker has not applied it, and has when the last one did', async () => {
  const [dave, erin] = [await enrollClient('dave'), await enrollClient('erin')];
  const pid = gateway.workerPids.at(-1);
  assert.ok(pid !== undefined && gateway.workerPids.length >= 2, 'several workers');
  process.kill(pid, 'SIGSTOP');
  try {
    const { convergence } = await call('/v1/revocations', { name: 'dave' });
    assert.deepEqual({ ...(convergence as object), waitedMs: 0 }, { gateways: 1, converged: 0, waitedMs: 0 });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  // Lines are applied in order: who has this one has the one before.
  const { convergence } = await call('/v1/revocations', { name: 'erin' });
  assert.deepEqual({ ...(convergence as object), waitedMs: 0 }, { gateways: 1, converged: 1, waitedMs: 0 });
  for (const client of [dave, erin]) {
    for (let count = 0; count < 4; count++) assert.equal((await request(client)).code, 'revoked');
  }
});

test('a hold ends by a release', async () => {
  const holder = await enrollClient('holder');
  await call('/v1/revocations', { name: 'holder', reason: 'certificateHold' });
  assert.equal((await request(holder)).code, 'revoked');
  await call('/v1/releases', { name: 'holder' });
  assert.equal((await request(holder)).status, 200);
});

test('a worker that starts later knows every revocation of before', async () => {
  const carol = await enrollClient('carol');
  await call('/v1/revocations', { name: 'carol' });
  const pids = [...gateway.workerPids];
  for (const pid of pids.slice(-2)) process.kill(pid, 'SIGKILL');
  await eventually('two new workers', 30_000, () => gateway.workerPids.length === pids.length + 2);
  for (let count = 0; count < 6; count++) assert.equal((await request(carol)).code, 'revoked');
});

test('the authority is killed: the gateway goes on, says how stale it is, and takes up the feed where it was', async () => {
  const [dave, erin] = [await enrollClient('dave'), await enrollClient('erin')];
  await authority.close();
  await eventually('the loss is seen', 10_000, () => gateway.stderr().includes('the feed of the authority is lost'));
  assert.equal((await request(dave)).status, 200);
  const lag = /^countersign_gateway_feed_lag_seconds (\S+)$/m;
  const first = Number(lag.exec(await gateway.metrics())?.[1]);
  await eventually('it grows', 10_000, async () => Number(lag.exec(await gateway.metrics())?.[1]) > first);
  authority = await start();
  await eventually('it is connected again', 20_000, async () =>
    /^countersign_gateway_feed_connected 1$/m.test(await gateway.metrics()),
  );
  // Nothing has changed meanwhile, and still the authority that came back knows how far the gateway is.
  await eventually('it is acknowledged', 20_000, async () => {
    const { gateways } = await call('/v1/status', undefined, 'GET');
    return (gateways as { workers?: number }[]).some(({ workers }) => workers === 2);
  });
  const { convergence } = await call('/v1/revocations', { name: 'dave' });
  assert.equal((convergence as { converged: number }).converged, 1);
  assert.equal((await request(dave)).code, 'revoked');
  assert.equal((await request(erin)).status, 200);
});

test('revoke, stop the authority, restart the gateway: still refused, and others are served', async () => {
  const [frank, grace] = [await enrollClient('frank'), await enrollClient('grace')];
  await using second = await startGateway({ baseDir: data, config: config('second'), token: await gatewayToken() });
  const at = (port: number, who: Material) => request(who, { port });
  assert.equal((await at(second.port(), frank)).status, 200);
  await call('/v1/revocations', { name: 'frank' });
  await authority.close();
  // Not asked to stop: what it has stored must be enough.
  second.child.kill('SIGKILL');
  await once(second.child, 'exit');
  await using again = await startGateway({ baseDir: data, config: config('second') });
  assert.equal((await at(again.port(), frank)).code, 'revoked');
  assert.equal((await at(again.port(), grace)).status, 200);
  await again.stop();

  // Without the stored state nobody knows who is revoked: nobody gets in, until the authority is back.
  rmSync(folder.in('D', 'second', 'state'), { recursive: true });
  await using blank = await startGateway({ baseDir: data, config: config('second') });
  const answer = await at(blank.port(), grace);
  assert.equal(`${answer.status} ${answer.code}`, '503 starting');
  assert.equal((await fetch(`http://${blank.admin}/readyz`)).status, 503);
  authority = await start();
  await eventually('it is ready', 20_000, async () => (await fetch(`http://${blank.admin}/readyz`)).status === 200);
  assert.equal((await at(blank.port(), frank)).code, 'revoked');
  assert.equal((await at(blank.port(), grace)).status, 200);
});

test('a token serves once; without a token or an identity the gateway says so and does not start', async () => {
  const token = await gatewayToken();
  await using first = await startGateway({ baseDir: data, config: config('third'), token });
  await first.stop();
  await assert.rejects(startGateway({ baseDir: data, config: config('fourth'), token }), /token_used/);
  await assert.rejects(startGateway({ baseDir: data, config: config('fourth') }), /holds no identity/);
});

test('its own certificates are renewed in time and shown without a restart', async () => {
  const said: string[] = [];
  const say = (line: unknown) => void said.push(String(line));
  let offset = 0;
  const primary = await Primary.start(
    { baseDir: data, config: { ...config('fifth'), log: { access: 'off' } }, token: await gatewayToken() },
    { onWorker: () => undefined, now: () => Date.now() + offset, log: { info: say, warn: say, error: say } },
  );
  try {
    const port = Number(primary.listen.gateway[0]?.split(':').at(-1));
    const heidi = await enrollClient('heidi');
    const before = await request(heidi, { port });
    // The gateway's clock goes 6 days on: two thirds of its own certificate's 7 days are over.
    offset = 6 * 86_400_000;
    await eventually('its own', 20_000, () => said.includes("the gateway's own certificate was renewed"));
    await eventually(
      'the feed is connected with it',
      20_000,
      () => said.filter((line) => line.includes('is connected')).length > 1,
    );
    assert.equal((await request(heidi, { port })).serverSerial, before.serverSerial);
    offset = 25 * 86_400_000;
    await eventually(
      'the shown one',
      20_000,
      async () => (await request(heidi, { port })).serverSerial !== before.serverSerial,
    );
  } finally {
    await primary.stop(0);
  }
});
