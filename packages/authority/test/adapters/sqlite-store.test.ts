import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createSqliteStore, openSqliteStore } from '../../src/adapters/sqlite/store.ts';
import { AuthorityError } from '../../src/errors.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { temporaryFolder } from '@countersign/testkit';
import { writeFileSync } from 'node:fs';

describe('the store in SQLite', () => {
  let domain: TestDomain;
  beforeEach(async () => {
    domain = await testDomain();
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  it('says that the disk is full and has changed nothing', async () => {
    // A connection may not grow beyond its page limit: the same error that a full disk gives.
    const folder = temporaryFolder();
    const path = folder.in('small.sqlite');
    createSqliteStore(path);
    const store = openSqliteStore(path, { maxPages: 60 });
    const fill = async (): Promise<number> => {
      for (let i = 0; ; i += 1) {
        await store.write((tx) =>
          tx.addToken({
            hash: `${i}`,
            name: 'n'.repeat(3000),
            profile: 'client',
            sans: [],
            createdAt: 0,
            expiresAt: 1,
          }),
        );
      }
    };
    await assert.rejects(fill(), (error) => error instanceof AuthorityError && error.code === 'storage_full');
    assert.ok(await store.token('0'), 'what was stored is still there');
    await store.write((tx) => tx.revokeTokens('nobody', 0));
    await store.close();
    folder[Symbol.dispose]();
  });

  it('refuses a file of another version, and one that is none', async () => {
    const folder = temporaryFolder();
    const path = folder.in('s.sqlite');
    createSqliteStore(path);
    const raw = new DatabaseSync(path);
    raw.exec('pragma user_version = 99');
    raw.close();
    assert.throws(
      () => openSqliteStore(path),
      (error) => error instanceof AuthorityError && error.code === 'unknown_format',
    );
    const other = folder.in('o.sqlite');
    writeFileSync(other, 'this is no database, however long it gets'.repeat(100));
    assert.throws(
      () => openSqliteStore(other),
      (error) => error instanceof AuthorityError && error.code === 'store_corrupt',
    );
    folder[Symbol.dispose]();
  });

  it('says in our own words what SQLite says when a store cannot be made', () => {
    using folder = temporaryFolder();
    const path = folder.in('there', 'is', 'no', 'folder.sqlite');
    assert.throws(
      () => createSqliteStore(path),
      (error) => error instanceof AuthorityError && error.code === 'storage_failed',
    );
  });

  it('finds out about a key from the revoked certificates alone, and a CRL too', () => {
    const raw = new DatabaseSync(domain.place.where, { readOnly: true });
    const plan = (sql: string): string => JSON.stringify(raw.prepare(`explain query plan ${sql}`).all());
    const key = plan(`select id from certificates where spki_sha256 = 'a' and revoked_at is not null limit 1`);
    const crl = plan(
      `select serial, reason, revoked_at, not_after, invalidity_date from certificates where issuer = 'a' and partition = 0 and serial > 'b' and revoked_at is not null and not_after >= 1 order by serial limit 1000`,
    );
    raw.close();
    assert.match(key, /USING INDEX certificates_key/u);
    assert.match(crl, /USING COVERING INDEX certificates_revoked/u);
    assert.doesNotMatch(crl, /TEMP B-TREE/u);
  });

  it('commits what comes together in few transactions', async () => {
    const { store } = domain;
    const raw = new DatabaseSync(domain.place.where, { readOnly: true });
    const version = () => Number(raw.prepare('pragma data_version').get()?.['data_version']);
    let commits = 0;
    let last = version();
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        await store.write((tx) =>
          tx.addToken({ hash: `h${i}`, name: 'n', profile: 'client', sans: [], createdAt: 0, expiresAt: 1 }),
        );
        const now = version();
        if (now !== last) commits += 1;
        last = now;
      }),
    );
    raw.close();
    assert.ok(commits >= 1 && commits <= 4, `${commits} commits`);
  });
});
