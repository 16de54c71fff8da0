import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { buildCrl, crlNumber, pemEncode } from '@countersign/pki';
import {
  createRoot,
  eventually,
  startUpstream,
  temporaryFolder,
  type TestCa,
  type TestCertificate,
  type Upstream,
} from '@countersign/testkit';
import { ask, type GatewayUnderTest, startGateway } from '../support/gateway-process.ts';

const folder = temporaryFolder();
let upstream: Upstream;
let root: TestCa;
let alice: TestCertificate;
let gateway: GatewayUnderTest;
let number = 0;

/** Puts a CRL in the place of the one before, as a writer should: whole. */
async function publishCrl(revoked: readonly TestCertificate[], lifetimeMs = 3_600_000): Promise<void> {
  const now = Date.now();
  const entries = revoked.map(({ certificate }) => ({ serialNumber: certificate.serialHex, revocationDate: now }));
  number += 1;
  const template = { issuer: root.certificate.subject, thisUpdate: now - 1000, nextUpdate: now + lifetimeMs, entries };
  const der = await buildCrl({ ...template, extensions: [crlNumber(number)] }, root.signer);
  writeFileSync(folder.in('crl.new'), pemEncode('X509 CRL', der));
  renameSync(folder.in('crl.new'), folder.in('clients.crl'));
}

before(async () => {
  upstream = await startUpstream();
  root = await createRoot('Clients');
  writeFileSync(folder.in('clients.pem'), root.pem);
  await publishCrl([]);
  // Of a CA that nobody here knows yet: it waits until a client shows that CA.
  writeFileSync(folder.in('middle.crl'), '');
  (await root.issueServer('a.test')).write(folder.path, 'server');
  alice = await root.issue('alice');
  gateway = await startGateway({
    baseDir: folder.path,
    config: {
      listeners: [
        {
          listen: '127.0.0.1:0',
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
      bundles: { clients: { files: ['clients.pem'], crls: [{ file: 'clients.crl' }, { file: 'middle.crl' }] } },
      admin: { listen: '127.0.0.1:0' },
      workers: 2,
    },
  });
});

after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const request = (client: TestCertificate, extra: Partial<Parameters<typeof ask>[0]> = {}) =>
  ask({ port: gateway.port(), ca: root.pem, sni: 'a.test', client, ...extra });

interface Live {
  readonly socket: tls.TLSSocket;
  /** Milliseconds since the epoch, once it has ended. */
  endedAt: number | undefined;
  /** Sends a request on the connection and waits for its answer's first bytes. */
  request(): Promise<void>;
}

async function goLive(client: TestCertificate): Promise<Live> {
  const socket = tls.connect({
    port: gateway.port(),
    host: '127.0.0.1',
    servername: 'a.test',
    ca: root.pem,
    cert: client.chainPem,
    key: client.keyPem,
  });
  const live: Live = {
    socket,
    endedAt: undefined,
    async request() {
      socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      assert.match(chunk.toString(), /^HTTP\/1\.1 200 /);
    },
  };
  socket.on('error', () => undefined);
  socket.on('close', () => (live.endedAt = Date.now()));
  await live.request();
  return live;
}

async function goLiveHttp2(client: TestCertificate): Promise<{ session: ClientHttp2Session; goaway: () => boolean }> {
  const session = connectHttp2(`https://127.0.0.1:${gateway.port()}`, {
    servername: 'a.test',
    ca: root.pem,
    cert: client.chainPem,
    key: client.keyPem,
  });
  session.on('error', () => undefined);
  let goaway = false;
  session.on('goaway', () => (goaway = true));
  const stream = session.request({ ':path': '/', ':authority': 'a.test' });
  const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
  assert.equal(headers[':status'], 200);
  stream.resume();
  await once(stream, 'end');
  return { session, goaway: () => goaway };
}

test('a connection ends within a second of the end of its certificate, and not before; others live on', async () => {
  const notAfter = Math.ceil(Date.now() / 1000) * 1000 + 3000;
  const brief = await root.issue('brief', { notAfter });
  const live = await goLive(brief);
  const other = await goLive(alice);
  const { session } = await request(brief);
  const endedAt = await eventually('it ends', 10_000, () => live.endedAt);
  assert.ok(endedAt > notAfter, `ended ${notAfter - endedAt} ms too early`);
  // RFC 5280: valid through its last second.
  assert.ok(endedAt - notAfter < 2000, `ended ${endedAt - notAfter} ms after its end`);
  await other.request();
  other.socket.destroy();
  assert.equal((await request(brief)).code, 'expired');
  const resumed = await request(brief, { session });
  assert.ok(resumed.reused && resumed.code === 'expired');
});

test('a revocation ends live connections and refuses sessions and handshakes; others live on', async () => {
  const mallory = await root.issue('mallory');
  const sessions = await Promise.all((['TLSv1.2', 'TLSv1.3'] as const).map((version) => request(mallory, { version })));
  const [live, other, http2, otherHttp2] = [
    await goLive(mallory),
    await goLive(alice),
    await goLiveHttp2(mallory),
    await goLiveHttp2(alice),
  ];
  const closed = once(http2.session, 'close');
  await publishCrl([mallory]);
  await eventually('it ends', 10_000, () => live.endedAt !== undefined);
  await closed;
  assert.ok(http2.goaway());
  for (const { session, protocol } of sessions) {
    const answer = await request(mallory, { session, version: protocol === 'TLSv1.2' ? 'TLSv1.2' : 'TLSv1.3' });
    assert.equal(answer.code, 'revoked');
    assert.ok(answer.reused);
  }
  assert.equal((await request(mallory)).code, 'revoked');
  await other.request();
  assert.equal(otherHttp2.session.destroyed, false);
  other.socket.destroy();
  otherHttp2.session.destroy();
  assert.match(await gateway.metrics(), /^countersign_gateway_ended_connections_total\{code="revoked"\} 2$/m);
});

test('an older list does not undo a revocation, and a broken one changes nothing', async () => {
  const eve = await root.issue('eve');
  await publishCrl([eve]);
  // A request that is under way when the news arrive is ended without an answer.
  await eventually('it is taken in', 10_000, () =>
    request(eve).then(
      (answer) => answer.code === 'revoked',
      () => false,
    ),
  );
  number -= 2;
  await publishCrl([]);
  await eventually('it shouts', 10_000, () => gateway.stderr().includes('is in use'));
  assert.equal((await request(eve)).code, 'revoked');
  writeFileSync(folder.in('clients.crl'), '<html>404</html>');
  await eventually('it shouts again', 10_000, () => /neither DER nor PEM|is not a CRL/.test(gateway.stderr()));
  assert.equal((await request(eve)).code, 'revoked');
  assert.equal((await request(alice)).status, 200);
  number += 1;
});

test('a revoked intermediate takes its clients with it, also those with a session (golang/go#77217)', async () => {
  const middle = await root.issueCa('Middle');
  const now = Date.now();
  const template = {
    issuer: middle.certificate.subject,
    thisUpdate: now - 1000,
    nextUpdate: now + 3_600_000,
    entries: [],
  };
  const list = await buildCrl({ ...template, extensions: [crlNumber(1)] }, middle.signer);
  writeFileSync(folder.in('middle.crl'), pemEncode('X509 CRL', list));
  const carol = await middle.issue('carol');
  await eventually('its list is taken in', 10_000, async () => (await request(carol)).status === 200);
  const sessions = await Promise.all((['TLSv1.2', 'TLSv1.3'] as const).map((version) => request(carol, { version })));
  const live = await goLive(carol);
  await publishCrl([middle]);
  await eventually('it ends', 10_000, () => live.endedAt !== undefined);
  for (const { session, protocol } of sessions) {
    const answer = await request(carol, { session, version: protocol === 'TLSv1.2' ? 'TLSv1.2' : 'TLSv1.3' });
    assert.ok(answer.reused);
    assert.equal(answer.code, 'revoked');
  }
  assert.equal((await request(alice)).status, 200);
  await publishCrl([]);
});

test('beyond nextUpdate everybody is refused as stale, and live connections end', async () => {
  await publishCrl([], 3000);
  const live = await goLive(alice);
  await eventually('it ends', 15_000, () => live.endedAt !== undefined);
  const answer = await request(alice);
  assert.equal(`${answer.status} ${answer.code}`, '503 revocation_stale');
  await publishCrl([]);
  await eventually('the news is fresh again', 10_000, async () => (await request(alice)).status === 200);
});

test('handshakes that fail by the hundred leave no descriptor behind', async () => {
  const descriptors = async () => {
    const text = await gateway.metrics();
    return (
      Number(/^countersign_gateway_connections (\d+)$/m.exec(text)?.[1]) +
      Number(/^countersign_gateway_handshakes_pending (\d+)$/m.exec(text)?.[1])
    );
  };
  const attempts = Array.from({ length: 300 }, async () => {
    const socket = tls.connect({
      port: gateway.port(),
      host: '127.0.0.1',
      servername: 'a.test',
      maxVersion: 'TLSv1.2',
      ciphers: 'AES128-SHA',
    });
    await once(socket, 'error');
  });
  await Promise.all(attempts);
  await eventually('all are gone', 5000, async () => (await descriptors()) === 0);
  assert.equal((await request(alice)).status, 200);
});
