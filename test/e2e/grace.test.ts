// Identities whose machine slept past their end: renewed by themselves within the grace of their profile, and told what to do beyond it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { countersign, eventually, launcher, node, startProduct, temporaryFolder } from '@countersign/testkit';
import type { Product, TemporaryFolder } from '@countersign/testkit';

const config = 'profiles:\n  client:\n    renewalGraceSeconds: 3600\n';

describe('an identity that has expired', () => {
  let product: Product;
  let folder: TemporaryFolder;
  before(async () => {
    folder = temporaryFolder('countersign-grace-');
    writeFileSync(folder.in('start.yaml'), config);
    product = await startProduct({ args: ['--workers', '1', '--config', folder.in('start.yaml')] });
  });
  after(async () => {
    await product[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** Issues a certificate of so many seconds; its files are `name` in the test's folder. */
  async function issue(name: string, profile: string, seconds: number): Promise<Record<'cert' | 'key', string>> {
    const notAfter = new Date(Date.now() + seconds * 1000).toISOString();
    const flags = ['--profile', profile, '--out', folder.in(name), '--not-after', notAfter];
    const { code, stderr } = await product.cli('issue', name, ...flags);
    assert.equal(code, 0, stderr);
    return { cert: folder.in(name, `${name}.crt`), key: folder.in(name, `${name}.key`) };
  }

  const read = (path: string): X509Certificate => new X509Certificate(readFileSync(path));

  function agentOf(name: string): Promise<Product> {
    const file = folder.in(`${name}.yaml`);
    writeFileSync(file, `identities:\n  ${name}:\n    folder: ${name}\n    url: https://${product.ready.authority}\n`);
    return startProduct({ command: ['agent', '--config', file], data: folder.in('unused') });
  }

  /** Lets a process sleep until a moment, as a laptop does. */
  async function sleepsUntil(pid: number, end: number): Promise<void> {
    process.kill(pid, 'SIGSTOP');
    await eventually('the certificate has ended', 60_000, () => Date.now() > end);
    process.kill(pid, 'SIGCONT');
  }

  test('is renewed by an agent that slept past its end, and by one that starts after it', async () => {
    const { cert } = await issue('laptop', 'client', 20);
    const first = read(cert);
    {
      await using agent = await agentOf('laptop');
      await sleepsUntil(agent.pid, first.validToDate.getTime() + 1000);
      await eventually('another certificate', 30_000, () => read(cert).serialNumber !== first.serialNumber);
      assert.equal(read(cert).subject, 'CN=laptop');
    }
    const { cert: other } = await issue('shelf', 'client', 1);
    const { serialNumber, validToDate } = read(other);
    await eventually('it has ended', 10_000, () => Date.now() > validToDate.getTime() + 1000);
    await using agent = await agentOf('shelf');
    assert.notEqual(read(other).serialNumber, serialNumber);
    const told = /"identity":"shelf".*"msg":"renewed"/u;
    await eventually('the renewal is told', 10_000, () => told.test(agent.stderr()));
  });

  test('is renewed by renew --daemon', async () => {
    const { cert, key } = await issue('desk', 'client', 1);
    const { serialNumber, validToDate } = read(cert);
    await eventually('it has ended', 10_000, () => Date.now() > validToDate.getTime() + 1000);
    const command = ['renew', '--daemon', '--cert', cert, '--key', key, '--url', `https://${product.ready.authority}`];
    await using daemon = await startProduct({ command, data: folder.in('unused') });
    await eventually('another certificate', 30_000, () => read(cert).serialNumber !== serialNumber);
    assert.equal(daemon.child.exitCode, null);
  });

  test('beyond the grace is told in one line what to do about, and enrolls by the token that is put there', async () => {
    const { cert, key } = await issue('attic', 'device', 1);
    const ended = read(cert).validToDate.getTime();
    await eventually('it has ended', 10_000, () => Date.now() > ended + 1000);
    const url = `https://${product.ready.authority}`;
    const renewed = await countersign(['renew', '--cert', cert, '--key', key, '--url', url]);
    assert.equal(renewed.code, 1);
    assert.match(
      renewed.stderr,
      /^countersign: the authority refuses: it ended at .*; .*countersign token NAME.*countersign enroll.*\n$/u,
    );

    const token = folder.in('attic.token');
    const file = folder.in('attic.yaml');
    writeFileSync(file, `identities:\n  attic:\n    folder: attic\n    url: ${url}\n    tokenFile: ${token}\n`);
    const agent = spawn(node, ['--conditions=countersign-source', launcher, 'agent', '--config', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      for await (const line of createInterface({ input: agent.stderr })) {
        if (!line.includes('renewal_over')) continue;
        assert.match(line, /countersign token attic/u);
        break;
      }
      const { stdout } = await product.cli('token', 'attic', '--profile', 'device');
      writeFileSync(token, stdout, { mode: 0o600 });
      await eventually('another certificate', 60_000, () => read(cert).validToDate.getTime() > Date.now());
    } finally {
      const over = once(agent, 'exit');
      agent.kill();
      await over;
    }
  });
});
