// Other CAs' OCSP responders, honest ones and every bad kind, as a whole gateway lives with them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as netConnect, type Socket } from 'node:net';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { authorityInfoAccess, issuingDistributionPoint, OID } from '@countersign/pki';
import { nodeSigner } from '@countersign/trust';
import {
  BAD_ANSWERS,
  certIdOf,
  createRoot,
  deadPort,
  eventually,
  type OcspBehaviour,
  serveHttp,
  serveOcsp,
  startUpstream,
  temporaryFolder,
  type TestCa,
  type TestCertificate,
  type TestHttpServer,
  type Upstream,
} from '@countersign/testkit';
import { ask, type GatewayUnderTest, startGateway } from '../support/gateway-process.ts';

const folder = temporaryFolder();
let upstream: Upstream;
let root: TestCa;
let issuing: TestCa;
let gateway: GatewayUnderTest;
/** The responder that certificates of `issuing` name, and the one for `issuing` itself. */
let responder: TestHttpServer;
let rootResponder: TestHttpServer;
let behaviour: OcspBehaviour = {};
const revoked = new Set<string>();

const statusOf = (serialHex: string): ReturnType<NonNullable<OcspBehaviour['status']>> =>
  revoked.has(serialHex.replace(/^00/u, ''))
    ? { status: 'revoked', revocationTime: Date.now() - 60_000 }
    : { status: 'good' };

const honest = (): OcspBehaviour => ({ now: Date.now, status: statusOf, ...behaviour });

const naming = (url: string) => [authorityInfoAccess([{ method: OID.ocsp, location: { type: 'uri', value: url } }])];

before(async () => {
  upstream = await startUpstream();
  root = await createRoot('Clients');
  rootResponder = await serveOcsp(root, honest);
  issuing = await root.issueCa('Clients Issuing', { extensions: naming(rootResponder.url) });
  responder = await serveOcsp(issuing, honest);
  writeFileSync(folder.in('clients.pem'), root.pem);
  (await root.issueServer('hard.test')).write(folder.path, 'server');
  const host = (name: string) => ({
    names: [`${name}.test`],
    certificate: { files: { cert: 'server.crt', key: 'server.key' } },
    trust: [name],
    upstream: upstream.url,
  });
  // No handshake waits for longer than a second; a responder has far longer than any test takes.
  const asked = { use: 'ocsp' as const, wait: '1s', ocsp: { timeout: '120s' } };
  const allowAddresses = ['127.0.0.1'];
  gateway = await startGateway({
    baseDir: folder.path,
    config: {
      listeners: [
        {
          listen: '127.0.0.1:0',
          hosts: [
            host('hard'),
            host('soft'),
            host('strict'),
            host('patient'),
            host('lenient'),
            host('quick'),
            host('points'),
            host('nonce'),
          ],
        },
      ],
      bundles: {
        hard: { files: ['clients.pem'], revocation: { ...asked, mode: 'hard', allowAddresses } },
        soft: { files: ['clients.pem'], revocation: { ...asked, mode: 'soft', allowAddresses } },
        patient: { files: ['clients.pem'], revocation: { ...asked, mode: 'hard', wait: '120s', allowAddresses } },
        lenient: { files: ['clients.pem'], revocation: { ...asked, mode: 'soft', wait: '120s', allowAddresses } },
        quick: {
          files: ['clients.pem'],
          revocation: { ...asked, mode: 'hard', wait: '120s', ocsp: { every: '1s' }, allowAddresses },
        },
        strict: { files: ['clients.pem'], revocation: { ...asked, mode: 'hard' } },
        points: {
          files: ['clients.pem'],
          revocation: { use: 'crl', mode: 'hard', distributionPoints: true, wait: '120s', allowAddresses },
        },
        nonce: {
          files: ['clients.pem'],
          revocation: {
            ...asked,
            mode: 'hard',
            wait: '120s',
            ocsp: { ...asked.ocsp, urls: [rootResponder.url], nonce: 'required' },
          },
        },
      },
      admin: { listen: '127.0.0.1:0' },
      state: 'state',
      workers: 2,
    },
  });
});

after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await responder?.[Symbol.asyncDispose]();
  await rootResponder?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

type Extra = Partial<Parameters<typeof ask>[0]>;
const request = (client: TestCertificate, sni: string, extra: Extra = {}) =>
  ask({ port: gateway.port(), ca: root.pem, sni, client, ...extra });

/** What came of a request, in a word. */
const wordOf = async (client: TestCertificate, sni: string, extra: Extra = {}): Promise<string> => {
  const { status, code } = await request(client, sni, extra);
  return code ?? String(status);
};

async function metric(pattern: RegExp): Promise<number> {
  return Number(pattern.exec(await gateway.metrics())?.[1] ?? 0);
}

test('an unknown status is asked for once over all workers, the whole chain at the same time', async () => {
  const client = await issuing.issue('client', { extensions: naming(responder.url) });
  const words = await Promise.all(Array.from({ length: 8 }, () => wordOf(client, 'patient.test')));
  assert.deepEqual(new Set(words), new Set(['200']));
  assert.deepEqual([responder.seen.length, rootResponder.seen.length], [1, 1]);
  assert.equal(await wordOf(client, 'patient.test'), '200');
  assert.deepEqual([responder.seen.length, rootResponder.seen.length], [1, 1], 'what is known is not asked again');
  assert.ok((await metric(/status_checks_total\{result="known"\} (\d+)/u)) >= 1);
});

test('who is revoked gets nowhere, whether himself or his CA; with a session or without', async () => {
  const client = await issuing.issue('mallory', { extensions: naming(responder.url) });
  revoked.add(client.certificate.serialHex);
  assert.equal(await wordOf(client, 'patient.test'), 'revoked');
  assert.equal(await wordOf(client, 'lenient.test'), 'revoked');
  const other = await createRoot('Clients');
  assert.equal(await wordOf(await other.issue('stranger'), 'patient.test'), 'untrusted_issuer');
  const middle = await root.issueCa('Revoked Issuing', { extensions: naming(rootResponder.url) });
  revoked.add(middle.certificate.serialHex);
  await using middleResponder = await serveOcsp(middle, honest);
  const below = await middle.issue('below', { extensions: naming(middleResponder.url) });
  assert.equal(await wordOf(below, 'patient.test'), 'revoked');
  assert.equal(await wordOf(below, 'lenient.test'), 'revoked');
});

for (const name of Object.keys(BAD_ANSWERS) as (keyof typeof BAD_ANSWERS)[]) {
  test(`T34: a responder that is ${name}: refused in time under hard, admitted in time under soft`, async () => {
    await using bad = await serveHttp(BAD_ANSWERS[name]);
    const client = await root.issue(`victim of ${name}`, { extensions: naming(bad.url) });
    const start = performance.now();
    assert.equal(await wordOf(client, 'hard.test'), 'revocation_stale');
    assert.equal(await wordOf(client, 'soft.test'), '200');
    assert.ok(performance.now() - start < 60_000, 'long before the responder’s own time is up');
    assert.ok(bad.seen.length >= 1);
  });
}

test('a dead responder: refused under hard, admitted and counted under soft; the operator hears of it', async () => {
  const url = `http://127.0.0.1:${await deadPort()}/`;
  const clients = await Promise.all(
    Array.from({ length: 3 }, (_, at) => root.issue(`client ${at}`, { extensions: naming(url) })),
  );
  for (const client of clients) assert.equal(await wordOf(client, 'hard.test'), 'revocation_stale');
  const counted = () => metric(/soft_admissions_total\{source="the OCSP responder of soft"\} (\d+)/u);
  const before = await counted();
  for (const client of clients) assert.equal(await wordOf(client, 'soft.test'), '200');
  assert.equal(await counted(), before + 3);
  await eventually('the operator hears', 10_000, () =>
    ['hard', 'soft'].every((name) =>
      gateway.stderr().includes(`bundle ${name}: the OCSP responder ${url} gives no answer`),
    ),
  );
  assert.match(gateway.stderr(), /clients of whom nothing is known are admitted/u);
});

test('T36: a lying responder is none: another certificate’s answer, another signer, a forged delegate, unknown', async () => {
  const nocheck = { oid: OID.ocspNoCheck, critical: false, value: Uint8Array.of(5, 0) };
  const twin = await createRoot('Clients');
  const other = await root.issue('other');
  const forged = await twin.issue('OCSP', { usages: [OID.ocspSigning], extensions: [nocheck] });
  const lies: Record<string, [OcspBehaviour, string]> = {
    'about another': [{ about: () => certIdOf(other, root) }, 'revocation_stale'],
    'by another key': [{ forgedBy: nodeSigner(other.key.privateKey) }, 'revocation_stale'],
    'a forged delegate': [{ delegate: forged }, 'revocation_stale'],
    'a client as delegate': [{ delegate: other }, 'revocation_stale'],
    expired: [{ thisUpdate: -7_200_000, nextUpdate: -3_600_000 }, 'revocation_stale'],
    tryLater: [{ error: 'tryLater' }, 'revocation_stale'],
    unknown: [{ status: () => ({ status: 'unknown' }) }, 'revocation_unknown'],
  };
  for (const [name, [lie, expected]] of Object.entries(lies)) {
    await using liar = await serveOcsp(root, () => ({ now: Date.now, ...lie }));
    const client = await root.issue(`victim of ${name}`, { extensions: naming(liar.url) });
    assert.equal(await wordOf(client, 'patient.test'), expected, name);
    assert.equal(await wordOf(client, 'lenient.test'), '200', name);
    assert.ok(liar.seen.length >= 1);
  }
});

test('T36: where a nonce is required, an answer without it is none; responders of the configuration come first', async () => {
  const client = await root.issue('asked by nonce', { extensions: naming('http://ocsp.invalid/') });
  assert.equal(await wordOf(client, 'nonce.test'), '200');
  behaviour = { nonce: 'none' };
  try {
    assert.equal(await wordOf(await root.issue('no nonce'), 'nonce.test'), 'revocation_stale');
  } finally {
    behaviour = {};
  }
});

test('T35: nothing is fetched for an untrusted chain, and nothing from private addresses that are not allowed', async () => {
  await using secret = await serveHttp((_request, response) => response.end('secret'));
  const stranger = await createRoot('Clients');
  const forged = await stranger.issue('forged', { extensions: naming(secret.url), crlUris: [secret.url] });
  for (const host of ['hard.test', 'soft.test', 'strict.test', 'points.test']) {
    assert.equal(await wordOf(forged, host), 'untrusted_issuer');
  }
  const trusted = await root.issue('trusted', { extensions: naming(secret.url) });
  assert.equal(await wordOf(trusted, 'strict.test'), 'revocation_stale');
  const metadata = await root.issue('metadata', { extensions: naming('http://169.254.169.254/latest/') });
  assert.equal(await wordOf(metadata, 'hard.test'), 'revocation_stale');
  assert.equal(secret.connections, 0);
  assert.ok((await metric(/ocsp_questions_total\{bundle="strict",outcome="forbidden"\} (\d+)/u)) >= 1);
});

test('T37: a client that leaves while its status is asked for takes the question back, and nothing else ends', async () => {
  await using silent = await serveHttp(BAD_ANSWERS.silent);
  const client = await root.issue('impatient', { extensions: naming(silent.url) });
  const left = () => metric(/status_checks_total\{result="left"\} (\d+)/u);
  const before = await left();
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const how of ['destroy', 'resetAndDestroy'] as const) {
      const asked = silent.seen.length;
      const raw = netConnect(gateway.port(), '127.0.0.1');
      const socket = connect(client, 'patient.test', version, raw);
      await once(socket, 'secureConnect');
      await eventually('its status is asked for', 20_000, () => silent.seen.length > asked);
      raw[how]();
      await eventually('the question is taken back', 20_000, () => silent.open === 0);
    }
  }
  await eventually('all have left', 20_000, async () => (await left()) === before + 4);
  silent.behave((_request, response) => response.writeHead(500).end());
  assert.equal(await wordOf(client, 'patient.test'), 'revocation_stale');
  assert.equal(gateway.workerPids.length, 2, 'no worker has ended');
});

test('an answer that turns to revoked ends the live connection and refuses its session; others live on', async () => {
  const [client, other] = [
    await issuing.issue('turns', { extensions: naming(responder.url) }),
    await issuing.issue('stays', { extensions: naming(responder.url) }),
  ];
  const { session, protocol } = await request(client, 'quick.test', { version: 'TLSv1.3' });
  assert.equal(protocol, 'TLSv1.3');
  const [live, otherLive] = [await goLive(client), await goLive(other)];
  const closed = once(live, 'close');
  revoked.add(client.certificate.serialHex);
  await closed;
  assert.match(await gateway.metrics(), /ended_connections_total\{code="revoked"\} 1/u);
  const resumed = await request(client, 'quick.test', { version: 'TLSv1.3', session });
  assert.deepEqual([resumed.reused, resumed.code], [true, 'revoked']);
  assert.equal(otherLive.destroyed, false);
  otherLive.write('GET / HTTP/1.1\r\nHost: quick.test\r\n\r\n');
  const [answer] = (await once(otherLive, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /u);
  otherLive.destroy();
});

test('a live connection whose answers stay away is ended as stale under hard, and lives on under soft', async () => {
  await using brief = await serveOcsp(root, () => ({ now: Date.now, nextUpdate: 5000 }));
  const client = await root.issue('brief', { extensions: naming(brief.url) });
  const [hard, soft] = [await goLive(client), await goLive(client, 'soft.test')];
  brief.behave(BAD_ANSWERS.error);
  await once(hard, 'close');
  assert.equal(soft.destroyed, false);
  soft.destroy();
  assert.match(await gateway.metrics(), /ended_connections_total\{code="revocation_stale"\} [1-9]/u);
});

test('partitioned CRLs are found by the distribution points of trusted chains, for whom they are needed', async () => {
  const lists = new Map<string, Uint8Array>();
  await using server = await serveHttp((request, response) => response.end(lists.get(request.url ?? '')));
  const uri = (path: string) => `${server.url.replace(/\/$/u, '')}${path}`;
  const [good, bad, lost] = [
    await root.issue('in partition 1', { crlUris: [uri('/1.crl')] }),
    await root.issue('in partition 2', { crlUris: [uri('/2.crl')] }),
    await root.issue('in partition 3', { crlUris: [uri('/3.crl')] }),
  ];
  const list = (path: string, entries: TestCertificate[]) =>
    root.crl({
      thisUpdate: Date.now() - 1000,
      nextUpdate: Date.now() + 3_600_000,
      revoked: entries,
      extensions: [issuingDistributionPoint({ name: { fullName: [{ type: 'uri', value: uri(path) }] } })],
    });
  lists.set('/1.crl', await list('/1.crl', []));
  lists.set('/2.crl', await list('/2.crl', [bad]));
  // The list of another partition in its place says nothing about this one.
  lists.set('/3.crl', await list('/1.crl', []));
  assert.equal(await wordOf(good, 'points.test'), '200');
  assert.equal(await wordOf(bad, 'points.test'), 'revoked');
  assert.equal(await wordOf(lost, 'points.test'), 'revocation_stale');
  const seen = server.seen.length;
  assert.equal(await wordOf(good, 'points.test'), '200');
  assert.equal(server.seen.length, seen);
  assert.equal(await wordOf(await root.issue('names none'), 'points.test'), 'revocation_unknown');
});

function connect(
  client: TestCertificate,
  sni: string,
  version: 'TLSv1.2' | 'TLSv1.3',
  raw: Socket = netConnect(gateway.port(), '127.0.0.1'),
): tls.TLSSocket {
  const socket = tls.connect({
    socket: raw,
    servername: sni,
    ca: root.pem,
    cert: client.chainPem,
    key: client.keyPem,
    minVersion: version,
    maxVersion: version,
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => undefined);
  return socket;
}

async function goLive(client: TestCertificate, host = 'quick.test'): Promise<tls.TLSSocket> {
  const socket = connect(client, host, 'TLSv1.3');
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /u);
  return socket;
}
