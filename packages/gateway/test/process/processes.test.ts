import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import {
  createRoot,
  eventually,
  startUpstream,
  temporaryFolder,
  type TestCa,
  type TestCertificate,
  type Upstream,
} from '@countersign/testkit';
import type { GatewayConfigInput } from '../../src/config/schema.ts';
import { Primary } from '../../src/primary/primary.ts';
import { ask, type GatewayUnderTest, NotStarted, startGateway } from '../support/gateway-process.ts';

const folder = temporaryFolder();
let upstream: Upstream;
let root: TestCa;
let alice: TestCertificate;

before(async () => {
  upstream = await startUpstream();
  root = await createRoot('Clients');
  writeFileSync(folder.in('clients.pem'), root.pem);
  (await root.issueServer('a.test')).write(folder.path, 'server');
  alice = await root.issue('alice');
});

after(async () => {
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function config(extra: Partial<GatewayConfigInput> = {}, listen = '127.0.0.1:0'): GatewayConfigInput {
  return {
    listeners: [
      {
        listen,
        hosts: [
          {
            names: ['a.test'],
            certificate: { files: { cert: 'server.crt', key: 'server.key' } },
            trust: ['clients'],
            upstream: upstream.url,
          },
        ],
      },
    ],
    bundles: { clients: { files: ['clients.pem'] } },
    workers: 2,
    ...extra,
  };
}

const start = (extra: Partial<GatewayConfigInput> = {}, more: { detached?: boolean; restart?: boolean } = {}) =>
  startGateway({ baseDir: folder.path, config: config(extra), ...more });

/** Requests one after the other on connections of their own, until told to stop: what was lost of them. */
function load(
  gateway: GatewayUnderTest,
  lanes = 4,
): { stop(): Promise<{ answered: number; lost: string[]; refused: number }> } {
  const going = new AbortController();
  const result = { answered: 0, lost: [] as string[], refused: 0 };
  const port = gateway.port();
  const lane = async () => {
    while (!going.signal.aborted) {
      try {
        const answer = await ask({ port, ca: root.pem, client: alice, sni: 'a.test' });
        assert.equal(answer.status, 200);
        result.answered += 1;
      } catch (error) {
        // Nobody listens any more: such a connection was never accepted.
        if (String(error).includes('ECONNREFUSED')) {
          result.refused += 1;
          return;
        }
        result.lost.push(String(error));
      }
    }
  };
  const all = Array.from({ length: lanes }, lane);
  return {
    async stop() {
      going.abort();
      await Promise.all(all);
      return result;
    },
  };
}

test('a worker that is killed takes only its own connections with it, and comes back', async () => {
  await using gateway = await start();
  const [victim] = gateway.workerPids;
  process.kill(victim ?? 0, 'SIGKILL');
  for (let count = 0; count < 10; count++) {
    assert.equal((await ask({ port: gateway.port(), ca: root.pem, client: alice, sni: 'a.test' })).status, 200);
  }
  await eventually('a new worker', 20_000, () => gateway.workerPids.length === 3);
  assert.equal(await gateway.stop(), 0);
});

test('the only worker is killed: who connects meanwhile waits, and is served', async () => {
  await using gateway = await start({ workers: 1 });
  process.kill(gateway.workerPids[0] ?? 0, 'SIGKILL');
  await eventually('it is gone', 5000, () => gateway.stderr().includes('has ended (SIGKILL)'));
  assert.equal((await ask({ port: gateway.port(), ca: root.pem, client: alice, sni: 'a.test' })).status, 200);
});

test('a worker is not replaced where that is not wanted', async () => {
  await using gateway = await start({}, { restart: false });
  process.kill(gateway.workerPids[0] ?? 0, 'SIGKILL');
  await eventually('it is gone', 5000, () => gateway.stderr().includes('has ended (SIGKILL)'));
  assert.equal((await ask({ port: gateway.port(), ca: root.pem, client: alice, sni: 'a.test' })).status, 200);
  assert.equal(await gateway.stop(), 0);
  assert.equal(gateway.workerPids.length, 2);
});

test('replacing workers under load loses no request', async () => {
  await using gateway = await start();
  const running = load(gateway);
  for (const pid of gateway.workerPids) {
    const count = gateway.workerPids.length;
    process.kill(pid, 'SIGTERM');
    await eventually('its successor', 20_000, () => gateway.workerPids.length > count);
  }
  const { answered, lost, refused } = await running.stop();
  assert.deepEqual({ lost, refused }, { lost: [], refused: 0 });
  assert.ok(answered > 0);
});

for (const whom of ['the primary', 'the whole group'] as const) {
  test(`SIGTERM to ${whom} under load: every accepted request is answered, exit code 0`, async () => {
    await using gateway = await start({}, { detached: true });
    const running = load(gateway);
    const pid = gateway.child.pid ?? 0;
    await eventually('requests are under way', 10_000, () => upstream.seen.length > 20);
    process.kill(whom === 'the primary' ? pid : -pid, 'SIGTERM');
    const [code] =
      gateway.child.exitCode === null ? ((await once(gateway.child, 'exit')) as [number]) : [gateway.child.exitCode];
    const { lost } = await running.stop();
    assert.equal(code, 0);
    assert.deepEqual(lost, []);
  });
}

test('asked to stop more than once, it still answers what is under way', async () => {
  await using slow = await startUpstream((_request, response) => void setTimeout(() => response.end('answered'), 400));
  const listeners = config().listeners.map((listener) => ({
    ...listener,
    hosts: listener.hosts.map((host) => ({ ...host, upstream: slow.url })),
  }));
  await using gateway = await start({ listeners });
  let under = 0;
  slow.server.on('request', () => (under += 1));
  const answers = Array.from({ length: 8 }, () =>
    ask({ port: gateway.port(), ca: root.pem, client: alice, sni: 'a.test' }),
  );
  await eventually('all are under way', 10_000, () => under === 8);
  for (let count = 0; count < 3; count++) gateway.child.kill('SIGTERM');
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  assert.equal(await gateway.stop(), 0);
});

test('workers end with their primary', async () => {
  await using gateway = await start();
  const pids = [...gateway.workerPids];
  gateway.child.kill('SIGKILL');
  await eventually('they are gone', 10_000, () => pids.every((pid) => !isAlive(pid)));
});

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const port = { now: () => Date.now(), onWorker: () => undefined, log: quiet };

/** Why a gateway does not start: found out before it has any other process. */
async function refusal(extra: Partial<GatewayConfigInput>, listen?: string): Promise<Error & { code?: string }> {
  const options = { baseDir: folder.path, config: config(extra, listen) };
  const failed = await Primary.start(options, port).then(
    async (primary) => {
      await primary.stop(0);
      throw new Error('it started');
    },
    (error: unknown) => error,
  );
  assert.ok(failed instanceof Error);
  return failed;
}

test('a gateway that cannot start says why over IPC, in words, and ends with 1', async () => {
  const failed = await startGateway({
    baseDir: folder.path,
    config: config({ bundles: { clients: { files: ['missing.pem'] } } }),
  }).catch((error: unknown) => error);
  assert.ok(failed instanceof NotStarted);
  assert.equal(failed.code, 'trust_file_missing');
  assert.doesNotMatch(failed.message, /\n/);
  assert.equal(failed.exitCode, 1);
});

test('a busy port is one clear line, also that of the admin listener', async () => {
  const holder = net.createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as net.AddressInfo;
  const busy = await refusal({}, `127.0.0.1:${port}`);
  assert.equal(busy.code, 'EADDRINUSE');
  assert.match(busy.message, new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: the address is already in use`));
  const admin = await refusal({ admin: { listen: `127.0.0.1:${port}` } });
  assert.equal(admin.code, 'EADDRINUSE');
  holder.close();
});

test('what is wrong with a trust file or a certificate refuses the start, with the file in the words', async () => {
  writeFileSync(folder.in('empty.pem'), '');
  writeFileSync(folder.in('key.pem'), alice.keyPem);
  mkdirSync(folder.in('folder.pem'));
  for (const [file, code] of [
    ['missing.pem', 'trust_file_missing'],
    ['empty.pem', 'trust_file_empty'],
    ['key.pem', 'trust_file_wrong_label'],
    ['folder.pem', 'trust_file_unreadable'],
  ] as const) {
    const failed = await refusal({ bundles: { clients: { files: [file] } } });
    assert.equal(failed.code, code);
    assert.match(failed.message, new RegExp(file.replace('.', '\\.')));
  }
  writeFileSync(folder.in('other.key'), alice.keyPem);
  const listeners = config().listeners.map((listener) => ({
    ...listener,
    hosts: listener.hosts.map((host) => ({
      ...host,
      certificate: { files: { cert: 'server.crt', key: 'other.key' } },
    })),
  }));
  const mismatch = await refusal({ listeners });
  assert.equal(mismatch.code, 'certificate_unusable');
  assert.match(mismatch.message, /other\.key.*the key is not the one of the certificate/);
});

test('a configuration that cannot be used is told with its paths', async () => {
  const failed = await refusal({ workers: 0, limits: { connections: -1 } });
  assert.equal(failed.code, 'config_invalid');
  assert.match(failed.message, /^workers: /m);
  assert.match(failed.message, /^limits\.connections: /m);
});

test('a changed server certificate is shown at once, connections live on; a broken one is not', async () => {
  const own = temporaryFolder();
  writeFileSync(own.in('clients.pem'), root.pem);
  (await root.issueServer('a.test')).write(own.path, 'server');
  await using gateway = await startGateway({ baseDir: own.path, config: config() });
  const serial = async () =>
    (await ask({ port: gateway.port(), ca: root.pem, client: alice, sni: 'a.test' })).serverSerial;
  const before = await serial();
  const next = await root.issueServer('a.test');
  next.write(own.path, 'server');
  await eventually('the new one is shown', 10_000, async () => (await serial()) === next.certificate.serialHex);
  assert.notEqual(before, next.certificate.serialHex);
  writeFileSync(own.in('server.key'), 'half a k');
  await eventually('it shouts', 10_000, () => gateway.stderr().includes('the last good certificate stays'));
  assert.equal(await serial(), next.certificate.serialHex);
  own[Symbol.dispose]();
});

test('the admin listener tells readiness and the sum of all workers', async () => {
  await using gateway = await start({ admin: { listen: '127.0.0.1:0' } });
  for (let count = 0; count < 6; count++)
    await ask({ port: gateway.port(), ca: root.pem, client: alice, sni: 'a.test' });
  const stranger = await (await createRoot('Strangers')).issue('mallory');
  await ask({ port: gateway.port(), ca: root.pem, client: stranger, sni: 'a.test' });
  const noise = net.connect(gateway.port(), '127.0.0.1', () => noise.end('hello\n'));
  noise.on('error', () => undefined).resume();
  await once(noise, 'close');
  const text = await gateway.metrics();
  assert.match(text, /^countersign_gateway_handshakes_total\{version="TLSv1.3",kind="full"\} 7$/m);
  assert.match(text, /^countersign_gateway_requests_total\{protocol="HTTP\/1.1",status="200"\} 6$/m);
  assert.match(text, /^countersign_gateway_refusals_total\{code="untrusted_issuer"\} 1$/m);
  assert.match(text, /^countersign_gateway_handshake_failures_total\{code="ERR_SSL_[A-Z_]+"\} 1$/m);
  assert.match(text, /^countersign_gateway_certificate_not_after_seconds\{role="server",name="[^"]+"\} \d{10}$/m);
  assert.equal((await fetch(`http://${gateway.admin}/healthz`)).status, 200);
  assert.equal((await fetch(`http://${gateway.admin}/readyz`)).status, 200);
  assert.equal((await fetch(`http://${gateway.admin}/metrics`, { method: 'POST' })).status, 405);
  // What a worker has counted stays when it ends.
  process.kill(gateway.workerPids[0] ?? 0, 'SIGKILL');
  await eventually('it is replaced', 20_000, () => gateway.workerPids.length === 3);
  assert.match(await gateway.metrics(), /^countersign_gateway_requests_total\{protocol="HTTP\/1.1",status="200"\} 6$/m);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
