// How it ends: with 0, everything answered, whoever was sent the signal. And what a second start is told.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import {
  countersign,
  endGroupWithProcess,
  eventually,
  getRequest,
  rawConnection,
  repository,
  startProduct,
  startUpstream,
  temporaryFolder,
  tlsOptions,
  type Upstream,
  without,
} from '@countersign/testkit';

const loopback = ['gateway', 'authority', 'http', 'admin'].flatMap((door) => [`--${door}`, '127.0.0.1:0']);

for (const whom of ['the parent', 'the group'] as const) {
  test(`SIGTERM to ${whom} under load: every request on an accepted connection is answered, then exit 0`, async () => {
    await using upstream = await slowUpstream();
    await using product = await startProduct({ upstream: upstream.url, args: ['--workers', '2'] });
    const options = tlsOptions(product.port('gateway'), product.client('demo'));
    using load = await twentyRequests(upstream, options);
    const ended =
      product.child.exitCode === null ? once(product.child, 'exit') : Promise.resolve([product.child.exitCode]);
    if (whom === 'the group') process.kill(-product.pid, 'SIGTERM');
    else process.kill(product.pid, 'SIGTERM');
    await load.allAnswered();
    const [code] = (await ended) as [number | null];
    assert.equal(code, 0);
    assert.doesNotMatch(product.stderr(), /starting it again/u);
  });
}

test(
  'SIGTERM to npm under load: what is under way is answered, nothing is left behind, exit 0',
  { skip: without('npm') },
  async () => {
    using folder = temporaryFolder();
    await using upstream = await slowUpstream();
    const data = folder.in('D');
    const flags = ['--data', data, '--upstream', upstream.url, '--workers', '2', ...loopback];
    const child = spawn('npm', ['start', '--silent', '--', ...flags], {
      cwd: repository,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const endGroup = endGroupWithProcess(child);
    const gone = once(child, 'exit');
    try {
      for await (const line of createInterface({ input: child.stdout })) if (line === 'ready') break;
      const listed = await countersign(['status', '--json', '--data', data]);
      const processes = JSON.parse(listed.stdout) as { role: string; pid: number; listen: { gateway?: string[] } }[];
      assert.ok(processes.length >= 5);
      const [address = ''] = processes.find(({ role }) => role === 'gateway')?.listen.gateway ?? [];
      const files = {
        ca: folder.in('D', 'clients/ca.crt'),
        cert: folder.in('D', 'clients/demo.crt'),
        key: folder.in('D', 'clients/demo.key'),
      };
      const options = tlsOptions(Number(address.split(':').at(-1)), files);
      using load = await twentyRequests(upstream, options);
      child.kill('SIGTERM');
      await load.allAnswered();
      const [code, signal] = (await gone) as [number | null, NodeJS.Signals | null];
      assert.deepEqual([code, signal], [0, null]);
      for (const { pid } of processes) assert.throws(() => process.kill(pid, 0), `${pid} was left behind`);
    } finally {
      endGroup();
    }
  },
);

test('SIGINT twice ends at once', async () => {
  await using upstream = await startUpstream(() => undefined);
  await using product = await startProduct({ upstream: upstream.url, args: ['--workers', '1'] });
  using connection = await rawConnection(tlsOptions(product.port('gateway'), product.client('demo')));
  connection.socket.write(getRequest);
  await eventually('the request is under way', 10_000, async () => (await connectionsOf(upstream)) >= 1);
  const gone = once(product.child, 'exit');
  process.kill(product.pid, 'SIGINT');
  await eventually('the first one is taken up', 10_000, () =>
    product.stderr().includes('what is under way is finished'),
  );
  await new Promise((resolve) => setTimeout(resolve, 1100));
  process.kill(product.pid, 'SIGINT');
  const [code] = (await gone) as [number | null];
  assert.equal(code, 1);
});

test('a second start on the same folder is told who has it, in one line', async () => {
  await using product = await startProduct();
  const second = await countersign(['start', '--data', product.data, ...loopback]);
  assert.equal(second.code, 1);
  assert.match(
    second.stderr,
    new RegExp(`^countersign: .* in use by another countersign \\(pid ${product.pid}\\).*\\n$`, 'u'),
  );
  assert.equal(second.stdout, '');
});

test('a second start on ports that are taken is told which, in one line, before it makes anything', async () => {
  await using product = await startProduct();
  for (const door of ['gateway', 'authority', 'http', 'admin'] as const) {
    using folder = temporaryFolder();
    const args = loopback.map((arg, at) => (loopback[at - 1] === `--${door}` ? product.ready[door] : arg));
    const second = await countersign(['start', '--data', folder.in('D'), ...args]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /^countersign: .+\n$/u);
    assert.ok(second.stderr.includes(product.ready[door]), second.stderr);
    assert.ok(!existsSync(folder.in('D', 'ca')));
  }
});

/** Each answer takes a while, so that a signal finds requests under way. */
function slowUpstream(): Promise<Upstream> {
  return startUpstream((_request, response) => {
    setTimeout(() => response.end('answered'), 300);
  });
}

/** Twenty connections, each with a request that has reached the upstream and is not answered yet. */
async function twentyRequests(
  upstream: Upstream,
  options: ReturnType<typeof tlsOptions>,
): Promise<Disposable & { allAnswered(): Promise<void> }> {
  const connections = await Promise.all(Array.from({ length: 20 }, () => rawConnection(options)));
  const answers = connections.map((connection) => connection.ask(getRequest, /answered/u));
  await eventually('all requests have reached the upstream', 10_000, async () => (await connectionsOf(upstream)) >= 20);
  return {
    allAnswered: async () => {
      for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 200 /u);
    },
    [Symbol.dispose]: () => {
      for (const connection of connections) connection[Symbol.dispose]();
    },
  };
}

function connectionsOf({ server }: Upstream): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
