// Resumption is on: a good client's second connection is an abbreviated one, whichever worker takes it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type ClientFiles,
  createRoot,
  type Product,
  sClient,
  startProduct,
  startUpstream,
  temporaryFolder,
  type Upstream,
  without,
} from '@countersign/testkit';

const skip = without('openssl');
const folder = temporaryFolder();
let upstream: Upstream;
let product: Product;
let partner: ClientFiles;

before(async () => {
  upstream = await startUpstream();
  // The partner's bundle holds its root alone: the intermediate is known only from what the client sends.
  const root = await createRoot('Partner Root');
  const issuing = await root.issueCa('Partner Issuing');
  const { cert: trust } = root.write(folder.path, 'partner-root');
  const files = (await issuing.issue('courier')).write(folder.path, 'courier');
  product = await startProduct({ upstream: upstream.url, args: ['--workers', '2', '--trust', trust] });
  partner = { ca: product.client('demo').ca, ...files };
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

for (const version of ['1.2', '1.3'] as const) {
  const cases: readonly (readonly [string, () => ClientFiles])[] = [
    ['a client of ours', () => product.client('demo')],
    ['a client whose intermediate the bundle lacks', () => partner],
  ];
  for (const [who, files] of cases) {
    test(`the next connections of ${who} read Reused on TLS ${version}, over both workers`, { skip }, async () => {
      const port = product.port('gateway');
      const session = folder.in(`session-${version}-${who.length}`);
      const first = await sClient({ port, client: files(), version, sessionOut: session });
      assert.equal(first.status, 200, first.output);
      assert.ok(!first.reused);
      assert.equal(first.protocol, `TLSv${version}`);
      // With two workers one of eight connections meets the other worker but for a chance of 1 in 128.
      for (let attempt = 0; attempt < 8; attempt += 1) {
        const again = await sClient({ port, client: files(), version, sessionIn: session });
        assert.ok(again.reused, again.output);
        assert.equal(again.status, 200, again.output);
      }
    });
  }
}

test('a session of a client that never showed a certificate gets nobody in', { skip }, async () => {
  const port = product.port('gateway');
  const session = folder.in('session-nobody');
  const { ca } = product.client('demo');
  const first = await sClient({ port, client: { ca }, version: '1.2', sessionOut: session });
  assert.equal(first.status, 401, first.output);
  const again = await sClient({ port, client: product.client('demo'), version: '1.2', sessionIn: session });
  // Resumed it is nobody's still; taken up afresh it is demo's.
  assert.equal(again.status, again.reused ? 401 : 200, again.output);
});

test('a client that sends its leaf alone is judged with the intermediates that are known', { skip }, async () => {
  const port = product.port('gateway');
  const answer = await sClient({ port, client: product.client('demo'), version: '1.3', leafOnly: true });
  assert.equal(answer.status, 200, answer.output);
});

test('renegotiation is cut off on TLS 1.2', { skip }, async () => {
  const port = product.port('gateway');
  // R asks s_client for a renegotiation; the server must neither take it up nor serve what follows.
  const request = 'R\nGET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  const before = upstream.seen.length;
  const answer = await sClient({
    port,
    client: product.client('demo'),
    version: '1.2',
    request,
    args: ['-no_ign_eof'],
  });
  assert.match(answer.output, /RENEGOTIATING/u);
  assert.match(answer.output, /no renegotiation|alert|closed|error/iu);
  assert.equal(upstream.seen.length, before);
});
