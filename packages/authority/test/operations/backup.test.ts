import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { parseCrl } from '@countersign/pki';
import { temporaryFolder } from '@countersign/testkit';
import { AuthorityError, backup, restore, startAuthority } from '../../src/index.ts';
import { call, local } from '../support/client.ts';
import { passphrase } from '../support/folder.ts';
import { runningTest, sharedTest } from '../support/running.ts';

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof AuthorityError, String(error));
    return error.code;
  }
}

describe('backup and restore', () => {
  it('brings everything back from a backup made while it ran, with a new epoch and CRL numbers beyond any served', async () => {
    using folder = temporaryFolder();
    await using running = await runningTest();
    await running.issued('kept', 'client');
    await running.ask('POST', '/v1/revocations', { name: 'kept', reason: 'superseded' });
    const issuing = Array.from({ length: 30 }, (_, i) => running.issued(`busy-${i}`, 'client'));
    const file = folder.in('authority.backup');
    const made = await backup(running.data, { out: file, passphrase: 'the backup passphrase' });
    assert.equal(made.bytes, statSync(file).size);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await Promise.all(issuing);
    await running.issued('lost', 'client');
    for (let i = 0; i < 3; i += 1) await running.ask('POST', '/v1/revocations', { name: `busy-${i}` });
    const served = parseCrl(
      new Uint8Array(await (await fetch(`http://${running.authority.listen.http}/crl/issuing-1.crl`)).arrayBuffer()),
    );
    const { cursor } = (await running.ask('GET', '/v1/status')).body;

    const data = folder.in('restored');
    await restore(data, { file, passphrase: 'the backup passphrase' });
    const again = await startAuthority({
      dataDir: data,
      passphrase,
      listen: '127.0.0.1:0',
      http: '127.0.0.1:0',
      logLevel: 'silent',
    });
    const { body: list } = await call(local(again), 'GET', '/v1/certificates?limit=1000');
    const status = new Map(list.certificates.map((one: { name: string; status: string }) => [one.name, one.status]));
    assert.equal(status.get('kept'), 'revoked');
    assert.equal(status.get('lost'), undefined);
    const { body: now } = await call(local(again), 'GET', '/v1/status');
    assert.notEqual(now.cursor.split(':')[0], cursor.split(':')[0]);
    const restored = parseCrl(
      new Uint8Array(await (await fetch(`http://${again.listen.http}/crl/issuing-1.crl`)).arrayBuffer()),
    );
    assert.ok((restored.crlNumber ?? 0n) > (served.crlNumber ?? 0n));
    assert.equal(restored.entryCount, 1);
    await again.close();

    assert.equal(await codeOf(restore(data, { file, passphrase: 'the backup passphrase' })), 'already_initialized');
    assert.equal(await codeOf(backup(running.data, { out: file, passphrase })), 'file_exists');
  });

  it('refuses a wrong passphrase and any change to the file, and leaves nothing behind', async () => {
    using folder = temporaryFolder();
    const running = await sharedTest();
    const file = folder.in('b');
    await backup(running.data, { out: file, passphrase });
    const good = readFileSync(file);
    const broken = folder.in('broken');
    const attempt = async (bytes: Uint8Array, given = passphrase): Promise<string> => {
      writeFileSync(broken, bytes);
      const code = await codeOf(restore(folder.in('target'), { file: broken, passphrase: given }));
      assert.ok(!existsSync(folder.in('target', 'countersign.json')));
      assert.ok(!existsSync(folder.in('target', 'ca')));
      return code;
    };
    assert.equal(await attempt(good, 'wrong'), 'wrong_passphrase');
    const flipped = Buffer.from(good);
    const middle = Math.floor(good.length / 2);
    flipped[middle] = (flipped[middle] ?? 0) ^ 1;
    assert.equal(await attempt(flipped), 'backup_unreadable');
    assert.equal(await attempt(good.subarray(0, -1)), 'backup_unreadable');
    assert.equal(await attempt(Buffer.concat([good, Buffer.from('x')])), 'backup_unreadable');
    assert.equal(await attempt(Buffer.alloc(0)), 'backup_unreadable');
    assert.equal(await attempt(Buffer.from('<html>not found</html>\n'.repeat(1000))), 'backup_unreadable');
    assert.equal(
      await codeOf(restore(folder.in('target'), { file: folder.in('none'), passphrase })),
      'backup_unreadable',
    );
    mkdirSync(folder.in('target', 'ca'), { recursive: true });
    assert.equal(await codeOf(restore(folder.in('target'), { file, passphrase })), 'folder_broken');
    rmSync(folder.in('target', 'ca'), { recursive: true });
    assert.equal(await codeOf(restore(folder.in('target'), { file, passphrase })), 'ok');
    copyFileSync(join(folder.path, 'target/countersign.json'), folder.in('marker'));
    assert.match(readFileSync(folder.in('marker'), 'utf8'), /"format":1/u);
  });

  it('tells of an audit log that was changed from outside, and saves it as it is', async () => {
    using folder = temporaryFolder();
    const running = await sharedTest();
    const heard: number[] = [];
    const onProgress = (written: number): number => heard.push(written);
    const whole = await backup(running.data, { out: folder.in('whole'), passphrase, onProgress });
    assert.equal(heard.at(-1), whole.bytes, 'its progress is told to the last byte');
    assert.equal(whole.auditBreak, undefined);
    const read: string[] = [];
    const restored = await restore(folder.in('data'), {
      file: folder.in('whole'),
      passphrase,
      onProgress: (bytes, total) => read.push(`${bytes} of ${total}`),
    });
    assert.equal(read.at(-1), `${whole.bytes} of ${whole.bytes}`);
    assert.equal(restored.auditBreak, undefined);
    const store = new DatabaseSync(folder.in('data', 'authority.sqlite'));
    store.exec("UPDATE audit SET details = '{}' WHERE seq = 2");
    store.close();
    const changed = await backup(folder.in('data'), { out: folder.in('changed'), passphrase });
    assert.equal(changed.auditBreak, 2);
    assert.equal((await restore(folder.in('again'), { file: folder.in('changed'), passphrase })).auditBreak, 2);
  });
});
