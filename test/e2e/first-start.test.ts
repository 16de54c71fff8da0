// What the newcomer meets: `start` on a fresh folder.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import {
  countersign,
  curl,
  endGroupWithProcess,
  launcher,
  node,
  runCommand,
  startProduct,
  startUpstream,
  temporaryFolder,
  without,
} from '@countersign/testkit';

test('a fresh start makes the PKI unattended, with secrets that only their owner reads', async () => {
  await using product = await startProduct();
  const mode = (...path: readonly string[]): number => statSync(join(product.data, ...path)).mode & 0o777;
  assert.equal(mode('secrets'), 0o700);
  assert.equal(mode('secrets', 'passphrase'), 0o600);
  assert.equal(mode('secrets', 'root-passphrase'), 0o600);
  assert.equal(mode('run'), 0o700);
  assert.equal(mode('clients', 'demo.key'), 0o600);
  assert.equal(mode('ca', 'root.key'), 0o600);
  assert.match(readFileSync(join(product.data, 'ca/root.key'), 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/u);
  const marker = JSON.parse(readFileSync(join(product.data, 'countersign.json'), 'utf8')) as { format: number };
  assert.equal(marker.format, 1);
  const chain = readFileSync(join(product.data, 'clients/demo.crt'), 'utf8').match(/BEGIN CERTIFICATE/gu);
  assert.equal(chain?.length, 2);
});

test(
  'ready --json names the real ports, and status lists every process behind them',
  { skip: without('curl') },
  async () => {
    using folder = temporaryFolder();
    // A file that says nothing of where requests get to: the demonstration answers them.
    writeFileSync(folder.in('start.yaml'), 'workers: 2\ntimeouts: { upstreamResponse: 20s }\n');
    await using product = await startProduct({ args: ['--config', folder.in('start.yaml')] });
    const answer = await curl(`https://localhost:${product.port('gateway')}/`, product.client('demo'));
    assert.match(answer.body, /"countersign-client-name": "demo"/u);
    for (const door of ['gateway', 'authority', 'http', 'admin'] as const) assert.ok(product.port(door) > 0, door);
    const processes = await product.processes();
    assert.deepEqual(
      processes.map(({ role }) => role),
      ['supervisor', 'authority', 'gateway', 'worker', 'worker'],
    );
    assert.equal(processes[0]?.pid, product.pid);
    assert.equal(new Set(processes.map(({ pid }) => pid)).size, 5);
    for (const { pid } of processes) assert.ok(process.kill(pid, 0));
  },
);

test('the printed curl lines work when they are pasted', { skip: without('curl', 'sh') }, async () => {
  using folder = temporaryFolder();
  const data = folder.in('a folder with spaces', 'D');
  const ports = ['gateway', 'authority', 'http', 'admin'].flatMap((door) => [`--${door}`, '127.0.0.1:0']);
  const child = spawn(node, ['--conditions=countersign-source', launcher, 'start', '--data', data, ...ports], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const endGroup = endGroupWithProcess(child);
  const gone = once(child, 'exit');
  try {
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line === 'ready') break;
    }
    assert.equal(lines.at(-1), 'ready');
    assert.ok(lines.some((line) => line.includes('root export') && line.includes('root remove')));
    const curls = lines.filter((line) => line.trim().startsWith('curl '));
    assert.equal(curls.length, 2);
    const [asDemo, asNobody] = await Promise.all(curls.map((line) => runCommand('sh', ['-c', `${line} -sS`])));
    assert.match(asDemo?.stdout ?? '', /"countersign-client-name": "demo"/u);
    assert.match(asNobody?.stdout ?? '', /"code":"no_certificate"/u);
  } finally {
    child.kill('SIGTERM');
    await gone;
    endGroup();
  }
});

test('localhost and 127.0.0.1 are both names of the gateway', { skip: without('curl') }, async () => {
  await using upstream = await startUpstream();
  await using product = await startProduct({
    upstream: upstream.url,
    args: ['--name', 'api.example', '--name', '10.9.8.7'],
  });
  const port = product.port('gateway');
  for (const host of ['localhost', '127.0.0.1']) {
    const answer = await curl(`https://${host}:${port}/`, product.client('demo'));
    assert.equal(answer.status, 200, `${host}: ${answer.error}`);
  }
  for (const host of ['api.example', '10.9.8.7']) {
    const answer = await curl(`https://${host}:${port}/`, product.client('demo'), [
      '--connect-to',
      `::127.0.0.1:${port}`,
    ]);
    assert.equal(answer.status, 200, `${host}: ${answer.error}`);
  }
});

test('a second start takes up the folder as it is: same root, same demo', async () => {
  using folder = temporaryFolder();
  const data = folder.in('D');
  const first = await startProduct({ data });
  const ca = readFileSync(join(data, 'clients/ca.crt'), 'utf8');
  const demo = readFileSync(join(data, 'clients/demo.crt'), 'utf8');
  assert.deepEqual(await first.stop(), { code: 0, signal: null });
  await using second = await startProduct({ data });
  assert.equal(readFileSync(join(data, 'clients/ca.crt'), 'utf8'), ca);
  assert.equal(readFileSync(join(data, 'clients/demo.crt'), 'utf8'), demo);
  assert.equal((await second.json('list', '--name', 'demo')).length, 1);
});

test('NODE_TLS_REJECT_UNAUTHORIZED=0 is refused in one line', async () => {
  using folder = temporaryFolder();
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  const ran = await countersign(['start', '--data', folder.in('D')], { env });
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /^countersign: NODE_TLS_REJECT_UNAUTHORIZED=0 .+\n$/mu);
});

test('a start that fails after its processes listen ends them, and itself', async () => {
  using folder = temporaryFolder();
  const data = folder.in('D');
  assert.equal((await countersign(['init', '--data', data])).code, 0);
  // The client `demo` cannot be written: its folder is a file.
  writeFileSync(join(data, 'clients'), '');
  const doors = ['gateway', 'authority', 'http', 'admin'].flatMap((door) => [`--${door}`, '127.0.0.1:0']);
  const ran = await countersign(['start', '--data', data, '--workers', '1', ...doors]);
  assert.equal(ran.code, 1, ran.stderr);
  assert.match(ran.stderr, /^countersign: .*clients/mu);
});
