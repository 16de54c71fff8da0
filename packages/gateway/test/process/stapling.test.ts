// The OCSP response of the gateway's own certificate comes along with it, as real clients ask for it and verify it.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import tls from 'node:tls';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { authorityInfoAccess, OID, tlsFeature, verifyOcspResponse } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import {
  BAD_ANSWERS,
  createRoot,
  eventually,
  type OcspBehaviour,
  runCommand,
  sClient,
  serveOcsp,
  startUpstream,
  temporaryFolder,
  type TestCa,
  type TestCertificate,
  type TestHttpServer,
  type Upstream,
  without,
} from '@countersign/testkit';
import { type GatewayUnderTest, startGateway } from '../support/gateway-process.ts';

const folder = temporaryFolder();
let upstream: Upstream;
let root: TestCa;
let issuing: TestCa;
let responder: TestHttpServer;
let client: TestCertificate;
let behaviour: OcspBehaviour = {};
const revoked = new Set<string>();
const servers = new Map<string, TestCertificate>();
let gateway: GatewayUnderTest;

const honest = (): OcspBehaviour => ({
  now: Date.now,
  status: (serialHex) =>
    revoked.has(serialHex.replace(/^00/u, ''))
      ? { status: 'revoked', revocationTime: Date.now() - 60_000 }
      : { status: 'good' },
  ...behaviour,
});

const naming = (url: string) => authorityInfoAccess([{ method: OID.ocsp, location: { type: 'uri', value: url } }]);

async function serverFor(name: string, extensions = [naming(responder.url)]): Promise<TestCertificate> {
  const sans = [{ type: 'dns', value: name } as const];
  const certificate = await issuing.issue(name, { usages: [OID.serverAuth], sans, extensions });
  certificate.write(folder.path, name);
  servers.set(name, certificate);
  return certificate;
}

const host = (name: string) => ({
  names: [name],
  certificate: { files: { cert: `${name}.crt`, key: `${name}.key` } },
  clientCert: 'optional' as const,
  trust: ['clients'],
  upstream: upstream.url,
});

const start = (names: readonly string[]): Promise<GatewayUnderTest> =>
  startGateway({
    baseDir: folder.path,
    config: {
      listeners: [{ listen: '127.0.0.1:0', hosts: names.map(host) }],
      bundles: { clients: { files: ['root.pem'], revocation: { mode: 'off' } } },
      stapling: { allowAddresses: ['127.0.0.1'] },
      admin: { listen: '127.0.0.1:0' },
      state: 'state',
      workers: 2,
    },
  });

before(async () => {
  upstream = await startUpstream();
  root = await createRoot('Servers');
  issuing = await root.issueCa('Servers Issuing');
  responder = await serveOcsp(issuing, honest);
  writeFileSync(folder.in('root.pem'), root.pem);
  client = await root.issue('client');
  await serverFor('a.test');
  await serverFor('must.test', [naming(responder.url), tlsFeature([5])]);
  await serverFor('silent.test', []);
  revoked.add((await serverFor('revoked.test')).certificate.serialHex);
  gateway = await start(['a.test', 'must.test', 'silent.test', 'revoked.test']);
});

after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await responder?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

interface Shaken {
  readonly staple: Buffer | null | undefined;
  readonly reused: boolean;
  readonly serialHex: string;
  readonly session: Buffer | undefined;
}

/** A handshake that asks for the response; what came, and a session to go on with. */
async function shake(
  name: string,
  {
    version = 'TLSv1.3',
    session,
    port = gateway.port(),
  }: { version?: 'TLSv1.2' | 'TLSv1.3'; session?: Buffer | undefined; port?: number } = {},
): Promise<Shaken> {
  let staple: Buffer | null | undefined;
  let next: Buffer | undefined;
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    servername: name,
    ca: root.pem,
    cert: client.pem,
    key: client.keyPem,
    minVersion: version,
    maxVersion: version,
    requestOCSP: true,
    session,
  });
  socket.on('OCSPResponse', (response: Buffer | null) => (staple = response));
  socket.on('session', (one) => (next = one));
  await once(socket, 'secureConnect');
  const reused = socket.isSessionReused();
  const serialHex = socket.getPeerX509Certificate()?.serialNumber.toLowerCase() ?? '';
  socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
  socket.resume();
  await once(socket, 'close');
  return { staple, reused, serialHex, session: next };
}

function statusIn(der: Buffer | null | undefined, name: string): string {
  const certificate = servers.get(name);
  if (der === null || der === undefined || certificate === undefined) return 'none';
  const options = { certificate: certificate.certificate, issuer: issuing.certificate, time: Date.now() };
  return verifyOcspResponse(der, { ...options, crypto: nodeCrypto }).status;
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`each host staples the response of its own certificate, ${version}; a resumed session shows no certificate and so none`, async () => {
    for (const [name, expected] of [
      ['a.test', 'good'],
      ['must.test', 'good'],
      ['revoked.test', 'revoked'],
      ['silent.test', 'none'],
    ] as const) {
      const { staple } = await shake(name, { version });
      assert.equal(statusIn(staple, name), expected, name);
    }
    const asked = responder.seen.length;
    const first = await shake('a.test', { version });
    const again = await shake('a.test', { version, session: first.session });
    assert.equal(again.reused, true);
    assert.equal(again.staple ?? null, null);
    assert.equal(responder.seen.length, asked, 'no handshake asks the responder');
  });

  test(`openssl s_client -status reads it, ${version}`, { skip: without('openssl') }, async () => {
    for (const [name, expected] of [
      ['a.test', /OCSP Response Status: successful[\s\S]*Cert Status: good/u],
      ['revoked.test', /Cert Status: revoked/u],
      ['silent.test', /OCSP response: no response sent/u],
    ] as const) {
      const { output, status } = await sClient({
        port: gateway.port(),
        serverName: name,
        version: version === 'TLSv1.2' ? '1.2' : '1.3',
        client: { ca: folder.in('root.pem') },
        request: `GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
        args: ['-status'],
      });
      assert.match(output, expected);
      assert.match(output, /Verify return code: 0 \(ok\)/u);
      assert.ok(status > 0);
    }
  });
}

test(
  'curl --cert-status takes the good one, and neither the revoked nor a missing one',
  { skip: without('curl') },
  async () => {
    const INVALID_STATUS = 91;
    for (const [name, code] of [
      ['a.test', 0],
      ['must.test', 0],
      ['revoked.test', INVALID_STATUS],
      ['silent.test', INVALID_STATUS],
    ] as const) {
      const at = `${name}:${gateway.port()}`;
      const args = ['--silent', '--show-error', '--cert-status', '--cacert', folder.in('root.pem')];
      const run = await runCommand('curl', [
        ...args,
        '--connect-to',
        `${at}:127.0.0.1:${gateway.port()}`,
        `https://${at}/`,
      ]);
      assert.equal(run.code, code, `${name}: ${run.stderr}`);
    }
  },
);

test(
  'gnutls-cli takes a must-staple certificate with its response, and refuses a revoked one',
  { skip: without('gnutls-cli') },
  async () => {
    const handshake = (name: string, port: number) => {
      const args = ['--x509cafile', folder.in('root.pem'), '--sni-hostname', name, '--verify-hostname', name];
      const request = `GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`;
      return runCommand('gnutls-cli', [...args, '-p', String(port), '127.0.0.1'], { input: request });
    };
    const taken = await handshake('must.test', gateway.port());
    assert.match(taken.stdout, /Status: The certificate is trusted\./u);
    assert.match(taken.stdout, /OCSP status request/u);
    const refused = await handshake('revoked.test', gateway.port());
    assert.match(refused.stdout, /revoked/u);
    assert.notEqual(refused.code, 0);
  },
);

test(
  'a certificate that must be stapled is not accepted from whoever cannot',
  { skip: without('gnutls-cli') },
  async () => {
    const { chainPem, keyPem } = servers.get('must.test') as TestCertificate;
    const server = tls.createServer({ cert: chainPem, key: keyPem }, (socket) =>
      socket.on('error', () => undefined).end(),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const args = [
      '--x509cafile',
      folder.in('root.pem'),
      '--sni-hostname',
      'must.test',
      '--verify-hostname',
      'must.test',
    ];
    const run = await runCommand('gnutls-cli', [...args, '-p', String(port), '127.0.0.1'], { input: '' });
    server.close();
    assert.notEqual(run.code, 0);
    assert.match(run.stdout, /the OCSP status is missing/u);
  },
);

test('a gateway that is started again while responders are dead staples the last good response, and says so', async () => {
  const before = await shake('a.test');
  await gateway.stop();
  behaviour = { error: 'tryLater' };
  gateway = await start(['a.test', 'must.test']);
  const { staple } = await shake('a.test');
  assert.deepEqual(staple, before.staple);
  await eventually('the operator hears', 10_000, () => gateway.stderr().includes('no new OCSP response to be stapled'));
  const end = /staple_end_seconds\{name="files:[^"]*a\.test\.crt[^"]*"\} (?<end>\d+)/u.exec(await gateway.metrics());
  assert.ok(Number(end?.groups?.['end']) > Date.now() / 1000);
  behaviour = {};
});

test('a silent responder holds up no start; a renewed certificate is shown with a response of its own', async () => {
  await gateway.stop();
  const renewed = await serverFor('a.test');
  responder.behave(BAD_ANSWERS.silent);
  gateway = await start(['a.test']);
  const without = await shake('a.test');
  assert.equal(without.serialHex, renewed.certificate.serialHex.replace(/^0+/u, ''));
  assert.equal(without.staple, null);
  await using honestOne = await serveOcsp(issuing, honest);
  const next = await serverFor('a.test', [naming(honestOne.url), tlsFeature([5])]);
  await eventually('the new one is shown', 30_000, async () => {
    const { serialHex, staple } = await shake('a.test');
    const isNew = serialHex === next.certificate.serialHex.replace(/^0+/u, '');
    // It must be stapled, so it is never seen without.
    if (isNew) assert.equal(statusIn(staple, 'a.test'), 'good');
    return isNew;
  });
});
