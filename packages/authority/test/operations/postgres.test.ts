import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually, temporaryFolder, withoutPostgres } from '@countersign/testkit';
import type { TemporaryFolder } from '@countersign/testkit';
import {
  AuthorityError,
  backup,
  initAuthority,
  renewIssuing,
  restore,
  rootCrl,
  startAuthority,
} from '../../src/index.ts';
import type { AuthorityErrorCode, DatabaseSettings, RunningAuthority } from '../../src/index.ts';
import { call, feedLines, local, open } from '../support/client.ts';
import { passphrase, rootPassphrase } from '../support/folder.ts';
import { newRequest } from '../support/keys.ts';
import { freshSchema } from '../support/stores.ts';

function failsWith(code: AuthorityErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof AuthorityError && error.code === code;
}

function start(dataDir: string, options: { database?: DatabaseSettings } = {}): Promise<RunningAuthority> {
  const quiet = { listen: '127.0.0.1:0', http: '127.0.0.1:0', logLevel: 'silent' };
  return startAuthority({ dataDir, passphrase, ...quiet, ...options });
}

async function issue(node: RunningAuthority, name: string): Promise<string> {
  const { csr } = await newRequest();
  const answer = await call(local(node), 'POST', '/v1/certificates', { name, profile: 'client', csr });
  assert.equal(answer.status, 200, answer.text);
  return answer.body.serial;
}

describe('an authority in PostgreSQL', { skip: withoutPostgres }, () => {
  let folder: TemporaryFolder;
  let database: DatabaseSettings;
  let a: RunningAuthority;
  let b: RunningAuthority;
  before(async () => {
    folder = temporaryFolder('countersign-nodes-');
    database = { postgres: await freshSchema() };
    await initAuthority(folder.in('a'), { passphrase, rootPassphrase, database });
    // A second node: a copy of the folder without the root's key.
    cpSync(folder.in('a'), folder.in('b'), { recursive: true });
    rmSync(folder.in('b', 'ca', 'root.key'));
    [a, b] = await Promise.all([start(folder.in('a')), start(folder.in('b'), { database })]);
  });
  after(async () => {
    await Promise.all([a.close(), b.close()]);
    folder[Symbol.dispose]();
  });

  it('keeps no store in the folder, and makes no second authority in the same database', async () => {
    assert.ok(!existsSync(folder.in('a', 'authority.sqlite')));
    using other = temporaryFolder();
    const data = other.in('c');
    await assert.rejects(
      initAuthority(data, { passphrase, rootPassphrase, database }),
      failsWith('already_initialized'),
    );
    assert.ok(!existsSync(join(data, 'ca')), 'and leaves no keys behind');
  });

  it('is one PKI on two nodes: what one issues the other knows, revokes, and tells its gateways', async () => {
    const serial = await issue(a, 'both');
    assert.equal((await call(local(b), 'GET', `/v1/certificates/${serial}`)).body.name, 'both');
    const feed = await open(local(a), 'GET', '/v1/feed');
    const lines = feedLines(feed);
    assert.equal((await lines.next()).value?.type, 'snapshot');
    assert.equal((await call(local(b), 'POST', '/v1/revocations', { serial, reason: 'superseded' })).status, 200);
    for await (const line of lines) {
      if (line.type !== 'revoked') continue;
      assert.equal(line['serial'], serial);
      break;
    }
    feed.destroy();
    const crls = await Promise.all(
      [a, b].map(async ({ listen }) => (await fetch(`http://${listen.http}/crl/issuing-1/0.crl`)).bytes()),
    );
    assert.deepEqual(crls[0], crls[1]);
  });

  it('issues on a node that lacks the newest key, and takes the key up when it is brought', async () => {
    await renewIssuing(folder.in('a'), { passphrase, rootPassphrase });
    await rootCrl(folder.in('a'), { rootPassphrase });
    const issuers = async () => (await call(local(b), 'GET', '/v1/status')).body;
    await eventually('the node knows of the new CA', 60_000, async () =>
      (await issuers()).warnings.some((one: { code: string }) => one.code === 'issuing_key_absent'),
    );
    await issue(b, 'meanwhile');
    cpSync(folder.in('a', 'ca', 'issuing-2.key'), folder.in('b', 'ca', 'issuing-2.key'));
    await eventually('the node signs with the new CA', 60_000, async () =>
      (await issuers()).warnings.every((one: { code: string }) => one.code !== 'issuing_key_absent'),
    );
    const serial = await issue(b, 'afterwards');
    const shown = (await call(local(b), 'GET', `/v1/certificates/${serial}`)).body;
    assert.match(shown.issuer, /2/u);
  });

  it('goes by backup from PostgreSQL to a file and back, and refuses a database that holds an authority', async () => {
    using files = temporaryFolder();
    const sealed = { file: files.in('one.backup'), passphrase: 'the backup passphrase' };
    const serial = await issue(a, 'carried');
    await backup(folder.in('a'), { out: sealed.file, passphrase: sealed.passphrase });

    const inFile = files.in('file');
    await restore(inFile, sealed);
    const single = await start(inFile);
    assert.equal((await call(local(single), 'GET', `/v1/certificates/${serial}`)).body.name, 'carried');
    await issue(single, 'in the file');
    await single.close();
    await assert.rejects(start(inFile, { database }), failsWith('invalid_option'));

    const back = { file: files.in('two.backup'), passphrase: sealed.passphrase };
    await backup(inFile, { out: back.file, passphrase: back.passphrase });
    await assert.rejects(restore(files.in('taken'), { ...back, database }), failsWith('already_initialized'));
    const elsewhere = { postgres: await freshSchema() };
    await restore(files.in('again'), { ...back, database: elsewhere });
    const again = await start(files.in('again'));
    const { body } = await call(local(again), 'GET', '/v1/certificates?limit=1000');
    const names = body.certificates.map(({ name }: { name: string }) => name);
    assert.ok(names.includes('carried') && names.includes('in the file'), names.join());
    await issue(again, 'behind those that came');
    await again.close();
    assert.ok(!readFileSync(files.in('again', 'database.json'), 'utf8').includes('assword'));
  });
});
