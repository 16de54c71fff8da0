// Profiles that ask for approval: what waits, who decides, and how those end who wait.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import {
  countersign,
  endWithProcess,
  eventually,
  launcher,
  node,
  runCommand,
  startProduct,
  temporaryFolder,
  without,
  type CommandResult,
  type Product,
  type TemporaryFolder,
} from '@countersign/testkit';

const config = `profiles:
  device:
    approval: required
  person:
    approval: always
`;

describe('profiles that ask for approval', () => {
  let product: Product;
  let folder: TemporaryFolder;
  before(async () => {
    folder = temporaryFolder('countersign-approval-');
    writeFileSync(folder.in('start.yaml'), config);
    product = await startProduct({ args: ['--workers', '1', '--config', folder.in('start.yaml')] });
  });
  after(async () => {
    await product[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  async function token(name: string): Promise<string> {
    const { code, stdout, stderr } = await product.cli('token', name, '--profile', 'device');
    assert.equal(code, 0, stderr);
    const file = folder.in(`${name}.token`);
    writeFileSync(file, stdout, { mode: 0o600 });
    return file;
  }

  function enroll(tokenFile: string): Promise<CommandResult> {
    return countersign(['enroll', '--token-file', tokenFile, '--out', folder.in('out'), '--json']);
  }

  /** The id of what waits under a name. */
  async function waiting(name: string): Promise<string> {
    let id: string | undefined;
    await eventually(`a request of ${name}`, 20_000, async () => {
      const [requests] = (await product.json('requests')) as unknown as [{ id: string; name: string }[]];
      id = requests.find((one) => one.name === name)?.id;
      return id !== undefined;
    });
    assert.ok(id !== undefined);
    return id;
  }

  const lines = (text: string): Record<string, unknown>[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test('enroll waits, says so, and goes on with the certificate that an administrator has approved', async () => {
    const enrolling = enroll(await token('pump-1'));
    const id = await waiting('pump-1');
    assert.equal(existsSync(folder.in('out', 'pump-1.crt')), false);
    const shown = await product.cli('requests', 'show', id);
    assert.match(shown.stdout, /^proven +cn:pump-1$/mu);
    assert.match(shown.stdout, /-----BEGIN CERTIFICATE REQUEST-----/u);
    const approved = await product.cli('requests', 'approve', id);
    assert.equal(approved.code, 0, approved.stderr);
    assert.match(approved.stdout, /^approved pump-1: [0-9a-f]+, valid until /u);
    const { code, stdout, stderr } = await enrolling;
    assert.equal(code, 0, stderr);
    const [waits, done] = lines(stdout);
    assert.deepEqual([waits?.['event'], waits?.['request']], ['waiting', id]);
    assert.match(stderr, /^countersign: waits until \S+ for an administrator: countersign requests approve /u);
    const certificate = new X509Certificate(readFileSync(folder.in('out', 'pump-1.crt')));
    assert.equal(certificate.subject, 'CN=pump-1');
    assert.equal(certificate.serialNumber.toLowerCase(), String(done?.['serial']).padStart(2, '0'));
    assert.equal(existsSync(folder.in('out', 'pump-1.key.pending')), false);
    const again = await product.cli('requests', 'approve', id);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /local has approved it .*\(request_decided, /u);
    assert.deepEqual(await product.json('requests', '--status', 'pending'), [[]]);

    // A renewal of what was approved once waits for nobody.
    const renewed = await countersign([
      'renew',
      '--cert',
      folder.in('out', 'pump-1.crt'),
      '--key',
      folder.in('out', 'pump-1.key'),
    ]);
    assert.equal(renewed.code, 0, renewed.stderr);
  });

  test('enroll ends with exit code 1 and the reason where it is denied', async () => {
    const enrolling = enroll(await token('pump-2'));
    const id = await waiting('pump-2');
    const without = await product.cli('requests', 'deny', id);
    assert.equal(without.code, 2);
    const denied = await product.cli('requests', 'deny', id, '--reason', 'not in the inventory');
    assert.equal(denied.code, 0, denied.stderr);
    const { code, stdout, stderr } = await enrolling;
    assert.equal(code, 1);
    const { error } = lines(stdout).at(-1) as { error: { code: string } };
    assert.equal(error.code, 'request_denied');
    assert.match(stderr, /not in the inventory/u);
    for (const name of ['pump-2.crt', 'pump-2.key', 'pump-2.key.pending'])
      assert.equal(existsSync(folder.in('out', name)), false);
    const unknown = await product.cli('requests', 'show', 'nothing');
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /unknown_request/u);
  });

  test('enroll that was killed while it waited goes on with the same key', async () => {
    const tokenFile = await token('pump-3');
    const args = ['enroll', '--token-file', tokenFile, '--out', folder.in('out'), '--json'];
    const child = spawn(node, ['--conditions=countersign-source', launcher, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    endWithProcess(child);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { request } = JSON.parse(line) as { request: string };
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    const pending = folder.in('out', 'pump-3.key.pending');
    assert.equal(statSync(pending).mode & 0o777, 0o600);
    const key = readFileSync(pending, 'utf8');
    assert.equal((await product.cli('requests', 'approve', request)).code, 0);
    const { code, stderr } = await enroll(tokenFile);
    assert.equal(code, 0, stderr);
    assert.equal(readFileSync(folder.in('out', 'pump-3.key'), 'utf8'), key);
    assert.equal(existsSync(pending), false);
  });

  test('renew that was killed while it waited goes on with the same key, and status tells what waits', async () => {
    const issued = await product.cli('issue', 'clerk', '--profile', 'person', '--out', folder.in('clerk'));
    assert.equal(issued.code, 0, issued.stderr);
    const file = (end: string): string => folder.in('clerk', `clerk.${end}`);
    const before = readFileSync(file('crt'), 'utf8');
    const url = `https://${product.ready.authority}`;
    const args = ['renew', '--cert', file('crt'), '--key', file('key'), '--url', url, '--json'];
    const child = spawn(node, ['--conditions=countersign-source', launcher, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { request } = JSON.parse(line) as { request: string };
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    assert.equal(statSync(file('key.pending')).mode & 0o777, 0o600);
    const key = readFileSync(file('key.pending'), 'utf8');
    assert.match((await product.cli('status')).stdout, /^requests +1 waiting for an administrator/mu);
    assert.equal((await product.cli('requests', 'approve', request)).code, 0);
    assert.equal(readFileSync(file('crt'), 'utf8'), before);
    const { code, stderr } = await countersign(args);
    assert.equal(code, 0, stderr);
    assert.equal(readFileSync(file('key'), 'utf8'), key);
    const [taken] = (await product.json('requests', 'show', request)) as [{ serial: string }];
    const renewed = new X509Certificate(readFileSync(file('crt')));
    assert.equal(BigInt(`0x${renewed.serialNumber}`), BigInt(`0x${taken.serial}`));
    assert.equal(existsSync(file('key.pending')), false);
  });

  test('an agent waits for what an administrator approves', async () => {
    const file = await token('pump-4');
    writeFileSync(
      folder.in('agent.yaml'),
      `identities:\n  pump-4:\n    folder: agent\n    tokenFile: ${JSON.stringify(file)}\n`,
    );
    const starting = startProduct({
      command: ['agent', '--config', folder.in('agent.yaml')],
      data: folder.in('unused'),
    });
    assert.equal((await product.cli('requests', 'approve', await waiting('pump-4'))).code, 0);
    await using agent = await starting;
    assert.match(agent.stderr(), /waits for the approval of an administrator/u);
    assert.match(readFileSync(folder.in('agent', 'pump-4.crt'), 'utf8'), /BEGIN CERTIFICATE/u);
  });

  test(
    'curl and openssl alone are told 202 by EST, and get the certificate with the same request later',
    { skip: without('curl', 'openssl') },
    async () => {
      const file = (name: string): string => folder.in(name);
      const run = async (program: string, ...args: readonly string[]): Promise<string> => {
        const { code, stdout, stderr } = await runCommand(program, args);
        assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr}`);
        return stdout;
      };
      const secret = readFileSync(await token('pump-5'), 'utf8').trim();
      await run('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file('5.key'));
      const der = ['-outform', 'DER', '-out', file('5.csr')];
      await run('openssl', 'req', '-new', '-key', file('5.key'), '-subj', '/CN=pump-5', ...der);
      await run('openssl', 'base64', '-in', file('5.csr'), '-out', file('5.b64'));
      writeFileSync(file('5.curl'), `user = "pump:${secret}"\n`, { mode: 0o600 });
      const send = (): Promise<string> =>
        run(
          'curl',
          '-q',
          '-sS',
          '--fail-with-body',
          '--max-time',
          '20',
          '-K',
          file('5.curl'),
          '--cacert',
          join(product.data, 'ca/root.crt'),
          '-H',
          'Content-Type: application/pkcs10',
          '--data-binary',
          `@${file('5.b64')}`,
          '-D',
          file('5.head'),
          '-o',
          file('5.answer'),
          '-w',
          '%{http_code}',
          `https://localhost:${product.port('authority')}/.well-known/est/simpleenroll`,
        );
      assert.equal(await send(), '202');
      assert.match(readFileSync(file('5.head'), 'utf8'), /^retry-after: 1\r$/imu);
      assert.equal(await send(), '202');
      const id = await waiting('pump-5');
      assert.ok(readFileSync(file('5.answer'), 'utf8').includes(id));
      assert.equal((await product.cli('requests', 'approve', id)).code, 0);
      assert.equal(await send(), '200');
      await run('openssl', 'base64', '-d', '-in', file('5.answer'), '-out', file('5.p7'));
      const printed = await run('openssl', 'pkcs7', '-inform', 'DER', '-in', file('5.p7'), '-print_certs');
      assert.ok(new X509Certificate(printed).subject.endsWith('CN=pump-5'));
    },
  );
});
