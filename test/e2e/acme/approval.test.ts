// ACME clients whose profile asks for approval: they wait, and get their certificate or are told why not.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, runCommand, without } from '@countersign/testkit';
import { type AcmeWorld, acmeWorld, statuses, succeed, verified } from './world.ts';

let world: AcmeWorld;
before(async () => {
  world = await acmeWorld(['certbot.test', 'lego.test'], ['profiles:', '  peer: { approval: required }']);
});
after(() => world[Symbol.asyncDispose]());

/** The id of what waits under a name. */
async function waiting(name: string): Promise<string> {
  let id: string | undefined;
  await eventually(`a request of ${name}`, 60_000, async () => {
    const [requests] = (await world.product.json('requests')) as unknown as [{ id: string; name: string }[]];
    id = requests.find((one) => one.name === name)?.id;
    return id !== undefined;
  });
  assert.ok(id !== undefined);
  return id;
}

/** An external account key for `peer`: the gateway of `start` gets its own certificate of `server`, and nobody sits here to approve it. */
async function externalKey(name: string): Promise<{ readonly id: string; readonly hmacKey: string }> {
  const [made] = await world.product.json('eab', 'create', name, '--profile', 'peer');
  return made as { id: string; hmacKey: string };
}

function home(name: string): string {
  const path = join(world.folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}

test('certbot waits for the approval and takes its certificate', { skip: without('certbot', 'openssl') }, async () => {
  const dir = home('certbot');
  const common = ['--non-interactive', '--config-dir', dir, '--work-dir', dir, '--logs-dir', dir];
  const server = ['--server', world.directory, '--standalone', '--http-01-port', String(world.httpPort)];
  const env = { REQUESTS_CA_BUNDLE: world.rootFile };
  const { id, hmacKey } = await externalKey('certbot');
  const account = ['--agree-tos', '--email', 'ops@example.com', '--eab-kid', id, '--eab-hmac-key', hmacKey];
  const enrolling = succeed('certbot', ['certonly', ...common, ...server, ...account, '-d', 'certbot.test'], { env });
  const approved = await world.product.cli('requests', 'approve', await waiting('certbot.test'));
  assert.equal(approved.code, 0, approved.stderr);
  await enrolling;
  await verified(world, join(dir, 'live/certbot.test/fullchain.pem'), 'certbot.test');
  // What it has already it renews without anybody.
  await succeed('certbot', ['renew', ...common, '--force-renewal', '--no-random-sleep-on-renew'], { env });
  assert.deepEqual(await statuses(world, 'certbot.test'), ['valid', 'valid']);
});

test('lego ends with the reason of a denial', { skip: without('lego') }, async () => {
  const dir = home('lego');
  const env = { ...process.env, LEGO_CA_CERTIFICATES: world.rootFile };
  const key = await externalKey('lego');
  const account = ['--server', world.directory, '--path', dir, '--email', 'ops@example.com', '--accept-tos'];
  const args = [
    ...account,
    '--eab',
    '--kid',
    key.id,
    '--hmac',
    key.hmacKey,
    '--domains',
    'lego.test',
    '--tls',
    '--tls.port',
    `:${world.httpsPort}`,
    'run',
  ];
  const enrolling = runCommand('lego', args, { env, timeoutMs: 120_000 });
  const id = await waiting('lego.test');
  const denied = await world.product.cli('requests', 'deny', id, '--reason', 'not in the inventory');
  assert.equal(denied.code, 0, denied.stderr);
  const { code, stdout, stderr } = await enrolling;
  assert.notEqual(code, 0);
  assert.match(stdout + stderr, /not in the inventory/u);
  assert.deepEqual(await statuses(world, 'lego.test'), []);
});
