// A connection ends when a certificate of its path does, not when the client next says something.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type ClientFiles,
  getRequest,
  http2Connection,
  type Product,
  rawConnection,
  startProduct,
  startUpstream,
  temporaryFolder,
  tlsOptions,
  type Upstream,
} from '@countersign/testkit';

const withinMs = 1000;
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

async function shortLived(name: string, seconds: number): Promise<{ files: ClientFiles; notAfter: number }> {
  const out = join(folder.path, name);
  const until = new Date(Date.now() + seconds * 1000).toISOString();
  const [issued] = await product.json('issue', name, '--out', out, '--not-after', until);
  const files = { ca: join(out, 'ca.crt'), cert: join(out, `${name}.crt`), key: join(out, `${name}.key`) };
  return { files, notAfter: Date.parse(String(issued?.['notAfter'])) };
}

test("idle connections end within a second of their certificate's notAfter; others live on", async () => {
  const { files, notAfter } = await shortLived('brief', 15);
  const port = product.port('gateway');
  using plain = await rawConnection(tlsOptions(port, files));
  using streams = await http2Connection(port, files);
  using lasting = await rawConnection(tlsOptions(port, product.client('demo')));
  await plain.ask(getRequest, /\r\n\r\n.*\}/su);
  assert.equal((await streams.get('/')).status, 200);
  await lasting.ask(getRequest, /\r\n\r\n.*\}/su);
  await Promise.all([plain.ended, streams.ended]);
  const late = Date.now() - notAfter;
  // The certificate is valid for the whole of its last second (RFC 5280, 4.1.2.5).
  assert.ok(late >= 0, `ended ${-late} ms early`);
  assert.ok(late <= 1000 + withinMs, `ended ${late} ms late`);
  assert.ok(streams.sawGoaway());
  await lasting.ask(getRequest, /\r\n\r\n.*\}/su);
});
