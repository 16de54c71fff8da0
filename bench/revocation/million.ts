import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { temporaryFolder } from '@countersign/testkit';
import { createSqliteStore, openSqliteStore } from '../../packages/authority/src/adapters/sqlite/store.ts';
import type { SigningCa } from '../../packages/authority/src/domain/ca.ts';
import { signFull } from '../../packages/authority/src/domain/crl/full.ts';
import { CrlPublisher, signFirstCrls } from '../../packages/authority/src/domain/crl/publisher.ts';
import { partitionOf } from '../../packages/authority/src/domain/crl/scopes.ts';
import type { Store } from '../../packages/authority/src/domain/ports.ts';
import { revoke } from '../../packages/authority/src/domain/revocation.ts';
import { makeIssuing, makeRoot } from '../../packages/authority/src/operations/make-ca.ts';
import { median } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { significant } from '../harness/suite.ts';
import type { Result, Row } from '../harness/suite.ts';

const day = 86_400_000;
const partitions = 128;

/** What revocation costs the authority where `count` certificates are revoked already: a revocation, its CRLs, the full one. */
export async function benchPublishing(count: number, options: MeasureOptions): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  const path = folder.in('authority.sqlite');
  createSqliteStore(path);
  const store = openSqliteStore(path);
  const random = (length: number): Uint8Array => randomBytes(length);
  const root = await makeRoot(Date.now(), random, 'Bench');
  const made = await makeIssuing(Date.now(), random, 'Bench', 1, 'p256', root.ca, 'http://ca.example', partitions);
  const issuing = made.ca;
  await store.write(async (tx) => {
    const { id, keyHash } = issuing;
    await tx.beginEpoch('00'.repeat(16), 0);
    await tx.addCa({ id, keyHash, der: issuing.certificate.der, createdAt: 0, partitions });
    await signFirstCrls(tx, issuing, 'http://ca.example', Date.now());
  });
  addCertificates(path, issuing, 'revoked', count, true);
  const rounds = Math.max(3, options.rounds);
  addCertificates(path, issuing, 'victim', rounds, false);

  const full = await timeFull(store, issuing);
  const signed: Record<string, number[]> = { partition: [], delta: [], full: [] };
  const publisher = new CrlPublisher({
    store,
    clock: Date.now,
    after: () => () => undefined,
    cas: () => [issuing],
    onSigned: (_ca, kind, ms) => signed[kind]?.push(ms),
    onFailure: (error) => {
      throw error;
    },
  });
  const whole: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now();
    const done = await revoke(store, Date.now(), { by: 'name', name: `victim-${i}` }, 'superseded', { kind: 'local' });
    if (!done.ok) throw new Error(done.detail);
    await Promise.all([
      ...done.crls.map(({ issuer, partition }) => publisher.publish(issuer, partition)),
      publisher.publishList(issuing.keyHash),
    ]);
    whole.push(performance.now() - begun);
  }
  await publisher.close();
  await store.close();
  const rows: Row[] = [
    row('a revocation, until its partition and the delta are in force', whole),
    row('  of that: one of the partitions read and signed anew', signed['partition'] ?? []),
    row('  of that: the delta', signed['delta'] ?? []),
    row('the full CRL, read, built, signed, stored', [full.ms]),
    row('  the longest turn that anybody waited for meanwhile', [full.longestTurnMs]),
  ];
  const partitionMs = median(signed['partition'] ?? []);
  return {
    name: `${count.toLocaleString('en-US')} revoked certificates, ${partitions} partitions, SQLite`,
    rows,
    claims: [
      { words: `a revocation is out in under 1 s: ${significant(median(whole))} ms`, held: median(whole) < 1000 },
      { words: `a partition is signed anew in under 50 ms: ${significant(partitionMs)} ms`, held: partitionMs < 50 },
      { words: `the full CRL takes under 3 s: ${significant(full.ms)} ms`, held: full.ms < 3000 },
    ],
  };
}

async function timeFull(store: Store, ca: SigningCa): Promise<{ ms: number; longestTurnMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begun = performance.now();
  await signFull(store, ca, Date.now);
  const ms = performance.now() - begun;
  delay.disable();
  return { ms, longestTurnMs: delay.max / 1e6 };
}

/** Certificates as rows, past the store: only what revocation reads of them is true. */
function addCertificates(path: string, ca: SigningCa, prefix: string, count: number, revoked: boolean): void {
  const database = new DatabaseSync(path);
  const now = Date.now();
  const columns = {
    issuer: ca.keyHash,
    serial: '',
    name: '',
    profile: 'client',
    sans: '[]',
    partition: 0,
    not_before: now,
    not_after: now + 90 * day,
    lifetime_seconds: 90 * 86_400,
    issued_at: now,
    spki_sha256: '',
    fingerprint_sha256: '',
    der: new Uint8Array(1),
    ...(revoked ? { reason: 'superseded', revoked_at: now } : {}),
  };
  const names = Object.keys(columns);
  const insert = database.prepare(
    `insert into certificates (${names.join(', ')}) values (${names.map((name) => `:${name}`).join(', ')})`,
  );
  // Thrown away afterwards: it need not outlive a power cut.
  database.exec('pragma synchronous = off; pragma cache_size = -500000; begin');
  for (let i = 0; i < count; i++) {
    const octets = randomBytes(16);
    octets[0] = 1;
    const serial = octets.toString('hex');
    const own = { serial, name: `${prefix}-${i}`, partition: partitionOf(octets, ca.partitions) };
    insert.run({ ...columns, ...own, spki_sha256: serial, fingerprint_sha256: serial });
  }
  database.exec('commit');
  database.close();
}

function row(name: string, values: readonly number[]): Row {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return {
    name,
    columns: { median: `${significant(median(values))} ms`, spread: `${significant(least)} to ${significant(most)}` },
  };
}
