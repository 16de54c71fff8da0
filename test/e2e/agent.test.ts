// An agent looks after the identities of its machine.
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import {
  countersign,
  curl,
  eventually,
  type Product,
  startProduct,
  startUpstream,
  temporaryFolder,
  type Upstream,
  without,
} from '@countersign/testkit';

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

test(
  'an identity that is not there is enrolled, its hook is run, and it opens the gateway',
  { skip: without('curl') },
  async () => {
    const config = folder.in('agent.yaml');
    writeFileSync(
      config,
      `identities:\n  web:\n    folder: id\n    tokenFile: token\n    onRenewed: [sh, -c, 'cat "$COUNTERSIGN_CERT" > ${folder.in('copy.crt')}']\n`,
    );
    const token = await product.cli('token', 'web');
    writeFileSync(folder.in('token'), token.stdout, { mode: 0o600 });
    await using agent = await startProduct({ command: ['agent', '--config', config], data: folder.in('unused') });
    const files = { ca: folder.in('id/ca.crt'), cert: folder.in('id/web.crt'), key: folder.in('id/web.key') };
    assert.equal(statSync(files.key).mode & 0o777, 0o600);
    assert.equal((await curl(`https://localhost:${product.port('gateway')}/`, files)).status, 200);
    await eventually(
      'the hook has run',
      5000,
      () => readOr(folder.in('copy.crt')) === readFileSync(files.cert, 'utf8'),
    );
    assert.deepEqual(await agent.stop(), { code: 0, signal: null });
  },
);

test('an identity past two thirds of its life is renewed at once', async () => {
  const out = folder.in('short');
  const until = new Date(Date.now() + 140_000).toISOString();
  const issued = await product.cli('issue', 'short', '--out', out, '--not-after', until);
  assert.equal(issued.code, 0, issued.stderr);
  const before = readFileSync(`${out}/short.crt`, 'utf8');
  const config = folder.in('short.yaml');
  writeFileSync(config, `identities:\n  short:\n    folder: short\n    url: https://${product.ready.authority}\n`);
  await using agent = await startProduct({ command: ['agent', '--config', config], data: folder.in('unused') });
  await eventually('another certificate', 20_000, () => readFileSync(`${out}/short.crt`, 'utf8') !== before);
  await eventually('the renewal is told', 20_000, () => /"msg":"renewed"/u.test(agent.stderr()));
});

test('a configuration that cannot be followed is exit 2 and one line that says where', async () => {
  const config = folder.in('wrong.yaml');
  writeFileSync(config, 'identities:\n  web:\n    folder: id\n    tokenfile: token\n');
  const ran = await countersign(['agent', '--config', config]);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^countersign: .*identities\.web.*tokenfile.*\n$/u);
});

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
