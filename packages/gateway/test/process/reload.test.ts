import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import type { ProcessEvent } from '@countersign/protocol';
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
import { ask, type GatewayUnderTest, startGateway } from '../support/gateway-process.ts';

const folder = temporaryFolder();
let upstream: Upstream;
let root: TestCa;
let alice: TestCertificate;
let bob: TestCertificate;
let gateway: GatewayUnderTest;
let port: number;

type Host = GatewayConfigInput['listeners'][number]['hosts'][number];

function config(host: Partial<Host>, extra: Partial<GatewayConfigInput> = {}): GatewayConfigInput {
  const files = { cert: 'server.crt', key: 'server.key' };
  return {
    listeners: [
      {
        listen: '127.0.0.1:0',
        hosts: [{ names: ['a.test'], certificate: { files }, trust: ['clients'], upstream: upstream.url, ...host }],
      },
    ],
    bundles: { clients: { files: ['clients.pem'] } },
    workers: 1,
    ...extra,
  };
}

before(async () => {
  upstream = await startUpstream();
  root = await createRoot('Clients');
  writeFileSync(folder.in('clients.pem'), root.pem);
  (await root.issueServer('a.test')).write(folder.path, 'server');
  [alice, bob] = [await root.issue('alice'), await root.issue('bob')];
  gateway = await startGateway({
    baseDir: folder.path,
    config: config({ allow: [{ name: 'alice' }, { name: 'bob' }] }),
  });
  port = gateway.port();
});

after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const request = (client: TestCertificate, extra: Partial<Parameters<typeof ask>[0]> = {}) =>
  ask({ port, ca: root.pem, sni: 'a.test', client, ...extra });

async function reload(next: unknown): Promise<ProcessEvent> {
  const seen = gateway.events.length;
  gateway.child.send({ command: 'reload', options: { config: next, baseDir: folder.path } });
  return eventually('an answer', 30_000, () =>
    gateway.events.slice(seen).find((event) => event.event === 'failed' || event.role === 'gateway'),
  );
}

async function goLive(client: TestCertificate): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'a.test',
    ca: root.pem,
    cert: client.pem,
    key: client.keyPem,
  });
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

test('a rule that is taken away ends connections and sessions that rested on it; the port loses nobody', async () => {
  const session = (await request(bob)).session;
  const live = await goLive(bob);
  const ended = once(live, 'close').then(() => Date.now());
  const going = new AbortController();
  const lost: unknown[] = [];
  const lane = (async () => {
    while (!going.signal.aborted)
      await request(alice).then(
        (answer) => assert.equal(answer.status, 200),
        (error: unknown) => lost.push(error),
      );
  })();
  const answer = await reload(config({ allow: [{ name: 'alice' }] }));
  going.abort();
  await lane;
  assert.deepEqual(lost, []);
  assert.equal(answer.event, 'listening');
  await ended;
  const resumed = await request(bob, { session });
  assert.equal(resumed.code, 'not_allowed');
  assert.equal(resumed.reused, false);
  assert.equal((await request(alice)).status, 200);
});

test('what cannot be used changes nothing, and is told', async () => {
  const problems = await reload(config({ trust: ['nobody'] }));
  assert.ok(problems.event === 'failed' && problems.code === 'config_invalid', JSON.stringify(problems));
  const missing = await reload(config({}, { bundles: { clients: { files: ['missing.pem'] } } }));
  assert.ok(missing.event === 'failed' && missing.code === 'trust_file_missing', JSON.stringify(missing));
  const upstreams = await reload(config({ upstream: { url: 'https://127.0.0.1:1', ca: 'missing.pem' } }));
  assert.ok(upstreams.event === 'failed' && upstreams.code === 'upstream_ca', JSON.stringify(upstreams));
  const authority = await reload(config({}, { authority: { url: 'https://ca.test', identity: 'x' } }));
  assert.ok(authority.event === 'failed' && authority.code === 'restart_needed', JSON.stringify(authority));
  assert.equal((await request(alice)).status, 200);
  assert.equal((await request(bob)).code, 'not_allowed');
});

test('a listener more, and one less', async () => {
  const one = config({ allow: [{ name: 'alice' }] });
  const more = { ...one, listeners: [...one.listeners, ...config({ allow: [{ name: 'bob' }] }).listeners] };
  const answer = await reload(more);
  assert.ok(answer.event === 'listening');
  const ports = answer.listen.gateway?.map((address) => Number(address.split(':').at(-1)));
  assert.equal(ports?.[0], port);
  assert.equal((await request(bob, { port: ports?.[1] ?? 0 })).status, 200);
  assert.equal((await request(bob)).code, 'not_allowed');
  await reload(one);
  await eventually('nobody listens there', 10_000, () =>
    request(bob, { port: ports?.[1] ?? 0 }).then(
      () => false,
      (error: unknown) => String(error).includes('ECONNREFUSED'),
    ),
  );
  assert.equal((await request(alice)).status, 200);
  assert.equal(await gateway.stop(), 0);
});
