// What is killed comes back, what it held is not lost, and the others go on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  curl,
  eventually,
  type Product,
  startProduct,
  startUpstream,
  type Upstream,
  without,
} from '@countersign/testkit';

const skip = without('curl');
let upstream: Upstream;
let product: Product;

before(async () => {
  upstream = await startUpstream();
  product = await startProduct({ upstream: upstream.url, args: ['--workers', '2'] });
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

const url = (): string => `https://localhost:${product.port('gateway')}/`;

async function pids(role: string): Promise<readonly number[]> {
  return (await product.processes()).filter((one) => one.role === role).map(({ pid }) => pid);
}

async function replaced(role: string, killed: number, count: number): Promise<void> {
  await eventually(`another ${role} in the place of ${killed}`, 30_000, async () => {
    const now = await pids(role);
    return now.length === count && !now.includes(killed);
  });
}

test(
  'kill -9 of the authority: the gateway serves on, and the authority comes back where it was',
  { skip },
  async () => {
    const [pid = 0] = await pids('authority');
    process.kill(pid, 'SIGKILL');
    for (let request = 0; request < 3; request += 1) {
      assert.equal((await curl(url(), product.client('demo'))).status, 200);
    }
    await replaced('authority', pid, 1);
    const listening = (await product.processes()).find(({ role }) => role === 'authority')?.listen;
    assert.equal((listening as { authority: string }).authority, product.ready.authority);
    assert.equal((await product.cli('issue', 'afterwards')).code, 0);
  },
);

test('kill -9 of a worker: the other serves on, and another takes its place', { skip }, async () => {
  const [pid = 0] = await pids('worker');
  process.kill(pid, 'SIGKILL');
  for (let request = 0; request < 5; request += 1) {
    assert.equal((await curl(url(), product.client('demo'))).status, 200);
  }
  await replaced('worker', pid, 2);
});

test('kill -9 of the gateway: it comes back on the same port, with the revocations it knew', { skip }, async () => {
  assert.equal((await product.cli('issue', 'thrown-out')).code, 0);
  assert.equal((await product.cli('revoke', 'thrown-out')).code, 0);
  const [pid = 0] = await pids('gateway');
  process.kill(pid, 'SIGKILL');
  await replaced('gateway', pid, 1);
  assert.equal((await curl(url(), product.client('thrown-out'))).status, 403);
  assert.equal((await curl(url(), product.client('demo'))).status, 200);
});

test('no child outlives its supervisor', async () => {
  await using other = await startProduct({ upstream: upstream.url, args: ['--workers', '1'] });
  const all = (await other.processes()).map(({ pid }) => pid);
  assert.equal(all.length, 4);
  process.kill(other.pid, 'SIGKILL');
  await eventually('every child has ended', 20_000, () => all.every((pid) => !lives(pid)));
  const status = await other.cli('status');
  assert.equal(status.code, 1);
  assert.match(status.stderr, /^countersign: nothing runs on .+\n$/u);
});

test('the gateway says how stale it is while the authority is away', { skip }, async () => {
  await using alone = await startProduct({ upstream: upstream.url, args: ['--workers', '1', '--no-restart'] });
  const before = await curl(`http://${alone.ready.admin}/metrics`);
  // One place shows the whole machine: the ends of the CAs' certificates and CRLs too.
  assert.match(before.body, /^countersign_gateway_certificate_not_after_seconds\{role="server"[^}]*\} \d/mu);
  assert.match(before.body, /^countersign_authority_ca_not_after_seconds\{ca="root"\} \d/mu);
  assert.match(before.body, /^countersign_authority_crl_next_update_seconds\{ca="root",scope="full"\} \d/mu);
  const [authority] = (await alone.processes()).filter(({ role }) => role === 'authority');
  process.kill(authority?.pid ?? 0, 'SIGKILL');
  const metric = await eventually('a feed that is not connected', 20_000, async () => {
    const { body } = await curl(`http://${alone.ready.admin}/metrics`);
    return /^countersign_gateway_feed_connected(?:\{.*\})? 0$/mu.test(body) ? body : undefined;
  });
  assert.match(metric, /^countersign_gateway_feed_lag_seconds(?:\{.*\})? \d/mu);
  assert.equal((await curl(`https://localhost:${alone.port('gateway')}/`, alone.client('demo'))).status, 200);
  const gone = await alone.cli('issue', 'nobody-there');
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /^countersign: no authority runs on .+\n$/u);
});

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
