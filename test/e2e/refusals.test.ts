// Who gets in, who doesn't, and what each of them is told: over HTTP/1.1 and HTTP/2, TLS 1.2 and 1.3.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  createRoot,
  curl,
  type ClientFiles,
  type Product,
  startProduct,
  startUpstream,
  temporaryFolder,
  type Upstream,
  without,
} from '@countersign/testkit';

const skip = without('curl');
const folder = temporaryFolder();
let upstream: Upstream;
let product: Product;

before(async () => {
  upstream = await startUpstream();
  product = await startProduct({ upstream: upstream.url, args: ['--workers', '1'] });
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const url = (): string => `https://localhost:${product.port('gateway')}/`;
const ways: readonly (readonly [string, readonly string[]])[] = [
  ['HTTP/1.1 over TLS 1.2', ['--http1.1', '--tls-max', '1.2']],
  ['HTTP/1.1 over TLS 1.3', ['--http1.1', '--tlsv1.3']],
  ['HTTP/2 over TLS 1.2', ['--http2', '--tls-max', '1.2']],
  ['HTTP/2 over TLS 1.3', ['--http2', '--tlsv1.3']],
];

async function refusedAs(client: Partial<ClientFiles>, status: number, code: string): Promise<void> {
  for (const [way, args] of ways) {
    const before = upstream.seen.length;
    const answer = await curl(url(), client, args);
    assert.equal(answer.status, status, `${way}: ${answer.error}`);
    assert.equal(answer.headers['content-type'], 'application/problem+json', way);
    const problem = JSON.parse(answer.body) as Record<string, unknown>;
    assert.equal(problem['code'], code, way);
    assert.equal(problem['status'], status, way);
    for (const field of ['type', 'title', 'detail', 'correlationId'])
      assert.equal(typeof problem[field], 'string', field);
    assert.equal(answer.headers['countersign-correlation-id'], problem['correlationId'], way);
    assert.equal(upstream.seen.length, before, `${way}: the upstream was asked`);
  }
}

async function issued(name: string, ...args: readonly string[]): Promise<ClientFiles> {
  const out = join(folder.path, name);
  const ran = await product.cli('issue', name, '--out', out, ...args);
  assert.equal(ran.code, 0, ran.stderr);
  return { ca: join(out, 'ca.crt'), cert: join(out, `${name}.crt`), key: join(out, `${name}.key`) };
}

for (const [way, args] of ways) {
  test(`a client of ours reaches the upstream, which is told who it is: ${way}`, { skip }, async () => {
    const answer = await curl(url(), product.client('demo'), [...args, '-H', 'Client-Cert: :forged:']);
    assert.equal(answer.status, 200, answer.error);
    assert.equal(answer.httpVersion, way.startsWith('HTTP/2') ? '2' : '1.1');
    const saw = JSON.parse(answer.body) as { headers: Record<string, string> };
    assert.match(saw.headers['client-cert'] ?? '', /^:[A-Za-z0-9+/]+=*:$/u);
    assert.match(saw.headers['client-cert-chain'] ?? '', /^:[A-Za-z0-9+/]+=*:$/u);
  });
}

test('without a certificate: 401 no_certificate, with a challenge', { skip }, async () => {
  await refusedAs({ ca: product.client('demo').ca }, 401, 'no_certificate');
  const answer = await curl(url(), { ca: product.client('demo').ca });
  assert.equal(answer.headers['www-authenticate'], 'ClientCertificate');
});

test("another CA's client: 403 untrusted_issuer", { skip }, async () => {
  const other = await createRoot('Another Root');
  const files = (await other.issue('demo')).write(folder.path, 'other');
  await refusedAs({ ca: product.client('demo').ca, ...files }, 403, 'untrusted_issuer');
});

test('an expired certificate: 403 expired', { skip }, async () => {
  const client = await issued('old', '--not-before', '2024-01-01T00:00:00Z', '--not-after', '2024-02-01T00:00:00Z');
  await refusedAs(client, 403, 'expired');
});

test('a certificate whose time has not come: 403 not_yet_valid', { skip }, async () => {
  const day = 86_400_000;
  const from = new Date(Date.now() + day).toISOString();
  const client = await issued(
    'early',
    '--not-before',
    from,
    '--not-after',
    new Date(Date.now() + 2 * day).toISOString(),
  );
  await refusedAs(client, 403, 'not_yet_valid');
});

test("a server's certificate used as a client's: 403 wrong_usage", { skip }, async () => {
  await refusedAs(await issued('srv.example', '--profile', 'server'), 403, 'wrong_usage');
});

test('after a certificate refusal the connection closes, the body unread', { skip }, async () => {
  const answer = await curl(url(), { ca: product.client('demo').ca }, [
    '--http1.1',
    '-H',
    'Expect:',
    '-T',
    product.client('demo').cert,
  ]);
  assert.equal(answer.status, 401, answer.error);
  assert.equal(answer.headers['connection'], 'close');
});

test('a partner CA that --trust names gets in as well, and its identity is told', { skip }, async () => {
  const partner = await createRoot('Partner Root');
  const issuing = await partner.issueCa('Partner Issuing');
  const { cert: trust } = partner.write(folder.path, 'partner-root');
  const files = (await issuing.issue('courier')).write(folder.path, 'courier');
  await using second = await startProduct({ upstream: upstream.url, args: ['--workers', '1', '--trust', trust] });
  const answer = await curl(`https://localhost:${second.port('gateway')}/`, { ca: second.client('demo').ca, ...files });
  assert.equal(answer.status, 200, answer.body);
  const own = await curl(`https://localhost:${second.port('gateway')}/`, second.client('demo'));
  assert.equal(own.status, 200, own.body);
});
