import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
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
import { type Ask, ask, type GatewayUnderTest, startGateway } from '../support/gateway-process.ts';

const folder = temporaryFolder();
let upstream: Upstream;
let root: TestCa;
let other: TestCa;
let alice: TestCertificate;
let gateway: GatewayUnderTest;

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

function host(names: string[], extra: object): GatewayConfigInput['listeners'][number]['hosts'][number] {
  return {
    names,
    certificate: { files: { cert: 'server.crt', key: 'server.key' } },
    trust: ['clients'],
    upstream: upstream.url,
    ...extra,
  };
}

function config(): GatewayConfigInput {
  return {
    listeners: [
      {
        listen: '127.0.0.1:0',
        hosts: [
          host(['a.test', 'localhost'], {}),
          host(['b.test'], { trust: ['others'] }),
          host(['c.test'], { allow: [{ name: 'bob' }] }),
          host(['free.test'], { clientCert: 'optional' }),
        ],
      },
      { listen: '127.0.0.1:0', hosts: [host(['a.test'], { trust: ['others'] })] },
    ],
    bundles: { clients: { files: ['clients.pem'] }, others: { files: ['others.pem'] } },
    admin: { listen: '127.0.0.1:0' },
    workers: 2,
  };
}

before(async () => {
  upstream = await startUpstream();
  root = await createRoot('Clients');
  other = await createRoot('Others');
  writeFileSync(folder.in('clients.pem'), root.pem);
  writeFileSync(folder.in('others.pem'), other.pem);
  (await root.issueServer('a.test', 'b.test', 'c.test', 'free.test')).write(folder.path, 'server');
  alice = await (await root.issueCa('An intermediate that no bundle has')).issue('alice');
  gateway = await startGateway({ config: config(), baseDir: folder.path });
});

after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function request(extra: Partial<Ask>): ReturnType<typeof ask> {
  return ask({ port: gateway.port(), ca: root.pem, client: alice, sni: 'a.test', ...extra });
}

for (const version of versions) {
  test(`${version}: a good client's next connections are resumed, over all workers, with an intermediate that the bundle lacks`, async () => {
    let { session } = await request({ version });
    for (let count = 0; count < 12; count++) {
      const next = await request({ version, session });
      assert.equal(next.status, 200);
      assert.ok(next.reused);
      session = next.session ?? session;
    }
  });

  test(`${version}: a session of one host is no way into a stricter one (CVE-2025-23419)`, async () => {
    const { session } = await request({ version });
    // With TLS 1.2 the server does not learn the new name of a resumed session, so the request is for another policy.
    for (const [sni, code] of [
      ['b.test', 'untrusted_issuer'],
      ['c.test', 'not_allowed'],
    ] as const) {
      const answer = await request({ version, session, sni });
      const nameless = answer.reused && version === 'TLSv1.2';
      assert.equal(answer.code, nameless ? 'misdirected' : code, sni);
    }
    const listener = await request({ version, session, port: gateway.port(1) });
    assert.equal(listener.code, 'untrusted_issuer');
    const back = await request({ version, session });
    assert.ok(back.reused && back.status === 200, 'such a try costs nobody his session');
  });

  test(`${version}: a session without a certificate is no way in where one is needed`, async () => {
    const { session, status } = await request({ version, client: undefined, sni: 'free.test' });
    assert.equal(status, 200);
    const answer = await request({ version, client: undefined, session });
    assert.equal(answer.status, 401);
    const free = await request({ version, client: undefined, session, sni: 'free.test' });
    assert.equal(free.status, version === 'TLSv1.3' ? 200 : 401);
  });

  test(`${version}: a client's session does not become another client's`, async () => {
    const { session } = await request({ version });
    const bob = await root.issue('bob');
    const answer = await request({ version, session, client: bob });
    // The session is alice's, whoever shows the ticket with her keys; nobody is told that it was bob.
    if (answer.reused) assert.match(answer.text, /client-cert/);
    assert.ok(answer.status === 200);
  });
}

test('a changed bundle ends sessions: the next connection is a full handshake, judged by the new CAs', async () => {
  const sessions = await Promise.all(versions.map((version) => request({ version })));
  const before = gateway.stderr().length;
  writeFileSync(folder.in('clients.pem'), other.pem);
  await eventually('the bundle is taken in', 10_000, () =>
    gateway.stderr().slice(before).includes('bundle clients has changed'),
  );
  // A connection from before the change may be ended before it is answered.
  const judged = async () => (await request({}).catch(() => undefined))?.code;
  await eventually('all workers know', 5000, async () => (await judged()) === 'untrusted_issuer');
  for (const [index, version] of versions.entries()) {
    const answer = await request({ version, session: sessions[index]?.session });
    assert.equal(answer.code, 'untrusted_issuer');
    assert.equal(answer.reused, false);
  }
  writeFileSync(folder.in('clients.pem'), root.pem);
  await eventually('the old CAs are back', 10_000, async () => (await request({})).status === 200);
});

test('a broken bundle keeps the last good one and shouts', async () => {
  const before = gateway.stderr().length;
  writeFileSync(folder.in('clients.pem'), 'not a certificate');
  await eventually('it shouts', 10_000, () =>
    /cannot be used, the last good ones stay/.test(gateway.stderr().slice(before)),
  );
  assert.equal((await request({})).status, 200);
  writeFileSync(folder.in('clients.pem'), root.pem);
});

test('a worker that has never seen the intermediate judges a resumed session by what the others know', async () => {
  await using single = await startGateway({ config: { ...config(), workers: 1 }, baseDir: folder.path });
  const port = single.port();
  for (const version of versions) {
    const { session } = await request({ port, version });
    const [first] = single.workerPids.slice(-1);
    process.kill(first ?? 0, 'SIGTERM');
    await eventually('a successor', 10_000, () => single.workerPids.at(-1) !== first);
    await eventually('the old one is gone', 10_000, () => single.stderr().length > 0 && !isAlive(first ?? 0));
    const answer = await request({ port, version, session });
    assert.equal(answer.status, 200);
    assert.ok(answer.reused, version);
  }
});

test('T4, T11: a session from before a restart is none, and its client is judged by the rules of now', async () => {
  const sessions = await Promise.all(versions.map((version) => request({ version })));
  const listeners = [{ listen: '127.0.0.1:0', hosts: [host(['a.test'], { allow: [{ name: 'bob' }] })] }];
  await using restarted = await startGateway({ config: { ...config(), listeners, workers: 1 }, baseDir: folder.path });
  for (const [index, version] of versions.entries()) {
    const answer = await request({ port: restarted.port(), version, session: sessions[index]?.session });
    assert.equal(answer.reused, false, version);
    assert.equal(answer.code, 'not_allowed', version);
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
