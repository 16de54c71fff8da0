// A server of an application, made by the SDK, whose clients an authority revokes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { openIdentity, openServerTrust } from '@countersign/sdk';
import {
  curl,
  eventually,
  getRequest,
  http2Connection,
  type Product,
  rawConnection,
  sClient,
  startProduct,
  temporaryFolder,
  tlsOptions,
  without,
} from '@countersign/testkit';

const folder = temporaryFolder();
const files = { cert: folder.in('web.crt'), key: folder.in('web.key'), ca: folder.in('ca.crt') };
let product: Product;
let authority: string;

before(async () => {
  product = await startProduct({ args: ['--workers', '1'] });
  authority = `https://${product.ready.authority}`;
  const web = ['--profile', 'server', '--san', 'dns:localhost', '--out', folder.path];
  await product.json('issue', 'web', ...web);
});

after(async () => {
  await product[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** The example of the SDK's README, and what it has told. */
async function serve(stateDir?: string) {
  const identity = await openIdentity(files);
  const options = stateDir === undefined ? {} : { stateDir };
  const trust = await openServerTrust(identity, { authority: { url: authority }, ...options });
  const ended: string[] = [];
  trust.on('ended', ({ code, verdict }) => ended.push(`${code} ${verdict.identity.name ?? ''}`));
  const server = trust.createHttp2Server({ allowHTTP1: true }, (request, response) => {
    response.end(`hello ${trust.peerOf(request)?.name ?? ''}, a ${trust.peerOf(request)?.profile ?? ''}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    trust,
    ended,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      trust.close();
      identity.close();
      await trust.settled();
    },
  };
}

/** How many servers of the SDK were connected and had applied a change when the command ended. */
async function serversAfter(...command: string[]) {
  const [told] = await product.json(...command);
  const convergence = told?.['convergence'] as
    | { readonly servers?: { readonly connected: number; readonly converged: number } }
    | undefined;
  return convergence?.servers ?? { connected: 0, converged: 0 };
}

async function issued(name: string) {
  await product.json('issue', name);
  return product.client(name);
}

test(
  'a revoked client is out at once: live connections, resumed sessions, new ones; the others stay',
  { skip: without('openssl') },
  async () => {
    await using server = await serve();
    const { port } = server;
    const [leaving, staying] = [await issued('leaving'), await issued('staying')];
    const sessionOut = folder.in('session');
    assert.equal((await sClient({ port, client: leaving, version: '1.3', sessionOut })).status, 200);
    assert.equal((await sClient({ port, client: leaving, version: '1.3', sessionIn: sessionOut })).reused, true);
    using plain = await rawConnection(tlsOptions(port, leaving));
    await plain.ask(getRequest, /hello leaving, a client/u);
    using session = await http2Connection(port, leaving);
    assert.equal((await session.get('/')).body, 'hello leaving, a client');
    using other = await http2Connection(port, staying);
    assert.equal((await other.get('/')).body, 'hello staying, a client');

    assert.equal((await serversAfter('revoke', 'leaving')).connected, 1);
    await Promise.all([plain.ended, session.ended]);
    assert.equal(session.sawGoaway(), true);
    assert.deepEqual(server.ended, ['revoked leaving', 'revoked leaving']);
    const resumed = await sClient({ port, client: leaving, version: '1.3', sessionIn: sessionOut });
    assert.deepEqual([resumed.reused, resumed.status], [true, 403]);
    assert.match(resumed.output, /"code":"revoked"/u);
    assert.equal((await other.get('/')).status, 200);
  },
);

test('a hold shuts out and its release lets in again', { skip: without('curl') }, async () => {
  await using server = await serve();
  const client = await issued('held');
  const status = async (): Promise<number> => (await curl(`https://localhost:${server.port}/`, client)).status;
  assert.equal(await status(), 200);
  // A command waits for a second at most, which a busy machine may need more than once. Its answer means that this server has applied it.
  await eventually('the hold is applied by this server', 60_000, async () => {
    await product.json('release', 'held').catch(() => undefined);
    const { connected, converged } = await serversAfter('revoke', 'held', '--reason', 'certificateHold');
    assert.equal(connected, 1);
    return converged === 1;
  });
  assert.equal(await status(), 403);
  await serversAfter('release', 'held');
  await eventually('it is let in', 10_000, async () => (await status()) === 200);
  assert.match((await product.cli('status')).stdout, /server web +at /u);
});

test(
  'what was known before a restart is known after it without the authority; without a state nobody comes in',
  { skip: without('curl') },
  async () => {
    const state = folder.in('state');
    const [gone, here] = [await issued('gone'), await issued('here')];
    {
      await using server = await serve(state);
      assert.equal((await curl(`https://localhost:${server.port}/`, here)).status, 200);
      await product.json('revoke', 'gone');
      await eventually('it is shut out', 10_000, async () => {
        const { status } = await curl(`https://localhost:${server.port}/`, gone);
        return status === 403;
      });
    }
    const real = authority;
    // Nobody listens there.
    authority = 'https://127.0.0.1:1';
    try {
      await using server = await serve(state);
      const url = `https://localhost:${server.port}/`;
      assert.equal((await curl(url, here)).status, 200);
      assert.match((await curl(url, gone)).body, /"code":"revoked"/u);
      await using empty = await serve();
      const { status, body } = await curl(`https://localhost:${empty.port}/`, here);
      assert.equal(status, 503);
      assert.match(body, /"code":"starting"/u);
    } finally {
      authority = real;
    }
  },
);
