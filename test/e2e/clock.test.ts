// The wall clock is stepped (a suspended machine, a corrected clock): what has expired by the new time ends at once.
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, test } from 'node:test';
import {
  type ClientFiles,
  getRequest,
  http2Connection,
  type Product,
  rawConnection,
  sClient,
  startProduct,
  startUpstream,
  temporaryFolder,
  tlsOptions,
  type Upstream,
  without,
} from '@countersign/testkit';

// The machine's clock is not the test's to set, so each process of the product has one that a file puts forward.
const clock = `
import { readFileSync } from 'node:fs';
const { Date: Real } = globalThis;
let ahead = 0;
let readAt = -Infinity;
function now() {
  if (performance.now() - readAt > 20) {
    readAt = performance.now();
    ahead = Number(readFileSync(process.env.TEST_CLOCK_AHEAD, 'utf8'));
  }
  return Real.now() + ahead;
}
globalThis.Date = class Date extends Real {
  constructor(...parts) {
    if (parts.length === 0) super(now());
    else super(...parts);
  }
  static now = now;
};
`;
const hour = 3_600_000;
const folder = temporaryFolder();
let upstream: Upstream;
let product: Product;

function setAhead(ms: number): void {
  writeFileSync(folder.in('ahead.new'), String(ms));
  renameSync(folder.in('ahead.new'), folder.in('ahead'));
}

before(async () => {
  setAhead(0);
  writeFileSync(folder.in('clock.mjs'), clock);
  upstream = await startUpstream((_request, response) => response.end('here'));
  product = await startProduct({
    upstream: upstream.url,
    args: ['--workers', '1'],
    env: {
      NODE_OPTIONS: `--import=${pathToFileURL(folder.in('clock.mjs')).href}`,
      TEST_CLOCK_AHEAD: folder.in('ahead'),
    },
  });
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

test(
  'the clock stepped forward ends what has expired by it, refuses it from then on, and nobody else',
  { skip: without('openssl') },
  async () => {
    const out = join(folder.path, 'brief');
    assert.equal((await product.cli('issue', 'brief', '--hours', '1', '--out', out)).code, 0);
    const brief: ClientFiles = {
      ca: join(out, 'ca.crt'),
      cert: join(out, 'brief.crt'),
      key: join(out, 'brief.key'),
    };
    const port = product.port('gateway');
    const session = folder.in('session');
    assert.equal((await sClient({ port, client: brief, version: '1.3', sessionOut: session })).status, 200);
    using plain = await rawConnection(tlsOptions(port, brief));
    using streams = await http2Connection(port, brief);
    using lasting = await rawConnection(tlsOptions(port, product.client('demo')));
    await plain.ask(getRequest, /here$/u);
    assert.equal((await streams.get('/')).status, 200);
    await lasting.ask(getRequest, /here$/u);
    setAhead(2 * hour);
    await Promise.all([plain.ended, streams.ended]);
    assert.ok(streams.sawGoaway());
    await lasting.ask(getRequest, /here$/u);
    for (const extra of [{}, { sessionIn: session }]) {
      const again = await sClient({ port, client: brief, version: '1.3', ...extra });
      assert.equal(again.status, 403, again.output);
      assert.match(again.output, /"code":"expired"/u);
    }
  },
);
