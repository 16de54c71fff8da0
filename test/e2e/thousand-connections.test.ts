// The promise at its size: a thousand live connections, a hundred of them of the client that is revoked.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, type TestContext, test } from 'node:test';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { type ClientFiles, type Product, startProduct, startUpstream, type Upstream } from '@countersign/testkit';

const revokedCount = 100;
const otherCount = 900;
/** Handshakes under way at once: a client machine opens its connections one after the other too. */
const lanes = 32;
const withinMs = 1000;
let upstream: Upstream;
let product: Product;

before(async () => {
  upstream = await startUpstream((_request, response) => response.end('here'));
  product = await startProduct({ upstream: upstream.url, args: ['--workers', '2'] });
  assert.equal((await product.cli('issue', 'bystander')).code, 0);
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

/** A connection that is light enough to have a thousand of: no reader beside what counts answers. */
interface Live {
  readonly socket: TLSSocket;
  answers: number;
  bytes: number;
  endedAt: number | undefined;
  readonly ended: Promise<void>;
}

function clientOf(files: ClientFiles): Client {
  const [ca, cert, key] = [files.ca, files.cert, files.key].map((path) => readFileSync(path));
  return { secureContext: createSecureContext({ ca, cert, key }) };
}

/** A client: after its first connections it takes up sessions, as real clients do. */
interface Client {
  readonly secureContext: SecureContext;
  session?: Buffer;
}

async function open(client: Client): Promise<Live> {
  const { secureContext, session } = client;
  const port = product.port('gateway');
  const common = { host: '127.0.0.1', port, servername: 'localhost', secureContext };
  const socket = connect(session === undefined ? common : { ...common, session });
  socket.on('session', (made: Buffer) => (client.session = made));
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const live: Live = { socket, answers: 0, bytes: 0, endedAt: undefined, ended };
  const over = (): void => {
    live.endedAt ??= performance.now();
    end();
  };
  socket.on('end', over);
  socket.on('close', over);
  // A reset is an end as well; what it is an end of is judged by who asks.
  socket.on('error', over);
  socket.on('data', (chunk: Buffer) => {
    live.bytes += chunk.length;
    if (chunk.includes('here')) live.answers += 1;
  });
  await ask(live);
  return live;
}

async function ask(live: Live): Promise<void> {
  const wanted = live.answers + 1;
  live.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  while (live.answers < wanted) {
    assert.equal(live.endedAt, undefined, 'the connection ended before its answer');
    await new Promise<void>((resolve) => {
      live.socket.once('data', () => resolve());
      void live.ended.then(resolve);
    });
  }
}

async function inLanes<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (item !== undefined) results.push(await work(item));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

test('of 1,000 live connections the 100 of the revoked client end within a second, the other 900 are untouched', async (t: TestContext) => {
  const demo = clientOf(product.client('demo'));
  const bystander = clientOf(product.client('bystander'));
  // Mixed, so that both workers have connections of both.
  const wanted = Array.from({ length: revokedCount + otherCount }, (_, at) => at % 10 === 0);
  const all = await inLanes(wanted, async (ours) => ({ ours, live: await open(ours ? demo : bystander) }));
  const doomed = all.filter(({ ours }) => ours).map(({ live }) => live);
  const others = all.filter(({ ours }) => !ours).map(({ live }) => live);
  assert.deepEqual([doomed.length, others.length], [revokedCount, otherCount]);
  const bytesBefore = doomed.map(({ bytes }) => bytes);

  const ran = await product.cli('revoke', 'demo', '--json');
  const exitedAt = performance.now();
  assert.equal(ran.code, 0, ran.stderr);
  const late = new Promise<void>((resolve) => setTimeout(resolve, withinMs).unref());
  await Promise.race([Promise.all(doomed.map(({ ended }) => ended)), late]);

  const alive = doomed.filter(({ endedAt }) => endedAt === undefined);
  assert.equal(alive.length, 0, `${alive.length} of ${revokedCount} still alive ${withinMs} ms after the command`);
  const after = doomed.map(({ endedAt = Infinity }) => Math.max(0, endedAt - exitedAt)).toSorted((a, b) => a - b);
  const p99 = after[Math.ceil(after.length * 0.99) - 1] ?? Infinity;
  t.diagnostic(`end of file after the command's exit: p99 ${p99.toFixed(0)} ms (aim: 250 ms), ${ran.stdout.trim()}`);
  assert.ok(p99 < withinMs);
  assert.deepEqual(
    doomed.map(({ bytes }) => bytes),
    bytesBefore,
    'ended without further bytes',
  );

  await inLanes(others, ask);
  assert.equal(others.filter(({ endedAt }) => endedAt !== undefined).length, 0);
  for (const { live } of all) live.socket.destroy();
});
