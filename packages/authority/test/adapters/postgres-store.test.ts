import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { eventually, startPostgres, temporaryFolder, withoutPostgres } from '@countersign/testkit';
import { Client } from 'pg';
import { clientConfig } from '../../src/adapters/postgres/client-config.ts';
import { createPostgresStore, openPostgresStore } from '../../src/adapters/postgres/store.ts';
import { AuthorityError } from '../../src/errors.ts';
import type { AuthorityErrorCode } from '../../src/errors.ts';
import type { FeedChange, Store } from '../../src/domain/ports.ts';
import { freshSchema, sharedServer } from '../support/stores.ts';

const bundle: FeedChange = { type: 'bundle', generation: 1 };

function failsWith(code: AuthorityErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof AuthorityError && error.code === code && !error.message.includes('\n');
}

async function seqsOf(store: Store): Promise<number[]> {
  return (await store.changesAfter(0, 100)).map(({ seq }) => seq);
}

describe('the store in PostgreSQL', { skip: withoutPostgres }, () => {
  it('shows no change before an earlier one, though that transaction stays open while another node wants to commit', async () => {
    const settings = await freshSchema();
    const [early, late, reader] = await Promise.all([1, 2, 3].map(() => openPostgresStore(settings)));
    assert.ok(early && late && reader);
    const opened = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const first = early.write(async (tx) => {
      const seq = await tx.addChange(bundle, 0);
      opened.resolve();
      await goOn.promise;
      return seq;
    });
    await opened.promise;
    let committed = false;
    const second = late.write((tx) => tx.addChange(bundle, 0)).finally(() => (committed = true));
    // The server itself says that the later one waits; until then it might only not have begun.
    const { running } = await sharedServer();
    const waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
    await eventually('the later one waits', 10_000, () => running.sql(settings.url, waiting) === '1\n');
    assert.deepEqual(await seqsOf(reader), []);
    assert.equal(committed, false);
    goOn.resolve();
    assert.deepEqual([await first, await second], [1, 2]);
    assert.deepEqual(await seqsOf(reader), [1, 2]);
    await Promise.all([early, late, reader].map((store) => store.close()));
  });

  it('tells every other node of a change, and of changes that it may have missed when it hears again', async () => {
    const settings = await freshSchema();
    const [here, there] = await Promise.all([openPostgresStore(settings), openPostgresStore(settings)]);
    assert.ok(here && there);
    let heard = Promise.withResolvers<void>();
    there.onChange(() => heard.resolve());
    await here.write((tx) => tx.addChange(bundle, 0));
    await heard.promise;
    assert.deepEqual(await seqsOf(there), [1]);

    // The ear of every node is cut off; what is changed before it is back is heard of when it is.
    heard = Promise.withResolvers();
    const { running } = await sharedServer();
    running.sql(
      settings.url,
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen countersign%'",
    );
    await heard.promise;
    await Promise.all([here.close(), there.close()]);
  });

  it('holds the other nodes up only so long when one is stopped in the middle of a write', async () => {
    const settings = await freshSchema();
    const frozen = new Client(clientConfig(settings));
    frozen.on('error', () => undefined);
    await frozen.connect();
    // As a node would, save that it never goes on.
    await frozen.query('set idle_in_transaction_session_timeout = 100');
    await frozen.query("begin; select pg_advisory_xact_lock(hashtext('countersign'), hashtext(current_schema()))");
    const store = await openPostgresStore(settings);
    assert.equal(await store.write((tx) => tx.addChange(bundle, 0)), 1);
    await store.close();
    await frozen.end();
  });

  it('runs a write again whose connection was lost before the commit', async () => {
    const settings = await freshSchema();
    const store = await openPostgresStore(settings);
    const { running } = await sharedServer();
    const inWrite = "state = 'idle in transaction' and query like '%insert into \"changes\"%'";
    let runs = 0;
    const seq = await store.write(async (tx) => {
      runs += 1;
      const added = await tx.addChange(bundle, 0);
      if (runs === 1)
        running.sql(settings.url, `select pg_terminate_backend(pid) from pg_stat_activity where ${inWrite}`);
      return added;
    });
    assert.deepEqual([runs, seq], [2, 1]);
    assert.deepEqual(await seqsOf(store), [1]);
    await store.close();
  });

  it('does not run a write again that may be done: whoever asked is told that it failed', async () => {
    const settings = await freshSchema();
    const store = await openPostgresStore(settings);
    const { running } = await sharedServer();
    // The connection ends within the commit itself, after everything else was done.
    const ending =
      'create function ending() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$';
    const deferred =
      'create constraint trigger t after insert on changes deferrable initially deferred for each row execute function ending()';
    running.sql(settings.url, `set search_path to ${settings.schema}; ${ending}; ${deferred}`);
    let runs = 0;
    const write = store.write((tx) => {
      runs += 1;
      return tx.addChange(bundle, 0);
    });
    await assert.rejects(write, failsWith('storage_failed'));
    assert.equal(runs, 1);
    await store.write((tx) => tx.setGeneration(2));
    assert.equal((await store.state()).generation, 2);
    await store.close();
  });

  it('makes its tables once, whoever tries at the same time', async () => {
    const settings = { ...(await freshSchema()), schema: 'at_once' };
    await Promise.all(Array.from({ length: 5 }, () => createPostgresStore(settings)));
    const store = await openPostgresStore(settings);
    assert.deepEqual(await store.cas(), []);
    await store.close();
  });

  it('refuses tables of another version, a database without ours, and settings that cannot be', async () => {
    const settings = await freshSchema();
    const { running } = await sharedServer();
    running.sql(settings.url, `update ${settings.schema}.meta set value = '99' where key = 'schema_version'`);
    await assert.rejects(openPostgresStore(settings), failsWith('unknown_format'));
    await assert.rejects(createPostgresStore(settings), failsWith('unknown_format'));
    await assert.rejects(openPostgresStore({ ...settings, schema: 'nowhere' }), failsWith('not_initialized'));
    const password = 'a-password-in-a-url';
    const urls = [
      `postgres://u:${password}@h/d`,
      `postgres://u@h/d?password=${password}`,
      'mysql://h/d',
      'postgres://h/',
      'd',
    ];
    for (const url of urls) {
      await assert.rejects(openPostgresStore({ url }), (error) => {
        assert.ok(failsWith('invalid_option')(error), url);
        return !String(error).includes(password);
      });
    }
    await assert.rejects(openPostgresStore({ ...settings, schema: 'x; drop' }), failsWith('invalid_option'));
  });

  it('says what is wrong when the server is not there', async () => {
    await assert.rejects(openPostgresStore({ url: 'postgres://u@127.0.0.1:1/d' }), failsWith('storage_failed'));
  });

  it('takes the password from its file, and asks for TLS over a network', async () => {
    using folder = temporaryFolder();
    const passwordFile = folder.in('password');
    writeFileSync(passwordFile, 'one\n');
    const config = clientConfig({ url: 'postgres://u@db.example/d', passwordFile });
    const { password } = config;
    assert.ok(typeof password === 'function');
    assert.equal(await password(), 'one');
    writeFileSync(passwordFile, 'two\n');
    assert.equal(await password(), 'two');
    assert.deepEqual(config.ssl, { rejectUnauthorized: true });
    assert.equal(clientConfig({ url: 'postgres://u@127.0.0.1/d' }).ssl, false);
  });

  it('goes on by itself after the server was away, with everything that it had said was stored', async () => {
    await using server = await startPostgres({ durable: true });
    const settings = { url: server.database() };
    await createPostgresStore(settings);
    const store = await openPostgresStore(settings);
    await store.write((tx) => tx.addChange(bundle, 0));
    await server.stop('SIGKILL');
    await assert.rejects(store.state(), failsWith('storage_failed'));
    await assert.rejects(
      store.write((tx) => tx.addChange(bundle, 0)),
      failsWith('storage_failed'),
    );
    const back = Promise.withResolvers<void>();
    store.onChange(() => back.resolve());
    await server.start();
    await back.promise;
    assert.deepEqual(await seqsOf(store), [1]);
    assert.equal(await store.write((tx) => tx.addChange(bundle, 0)), 2);
    await store.close();
  });
});
