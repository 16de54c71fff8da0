import { initAuthority } from '@countersign/authority';
import { temporaryFolder } from '@countersign/testkit';
import { startBenchAuthority } from '../harness/authority.ts';
import { median } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { significant, spreadOf } from '../harness/suite.ts';
import type { Claim, Result, Row } from '../harness/suite.ts';
import { fillStore, issuerOfStore, serialsOfStore } from './fill-store.ts';
import { awaitFullList, settled } from './full-list.ts';
import type { FullListFigures } from './full-list.ts';
import { Watchers } from './reach.ts';
import type { Reach } from './reach.ts';
import { timeSigning } from './signing.ts';
import type { SigningFigures } from './signing.ts';

/**
 * What a revocation costs an authority with `count` of them before it: how soon everybody can know of it, by a running authority and its
 * listeners; and what the signatures of its CRLs cost by themselves.
 */
export async function benchPublishing(count: number, options: MeasureOptions): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  const data = folder.in('data');
  await initAuthority(data, { passphrase: 'bench', rootPassphrase: 'bench', publicHttp: 'http://ca.example' });
  fillStore(data, { count, revoked: true, prefix: 'revoked-' });
  const rounds = Math.max(3, options.rounds);
  fillStore(data, { count: rounds, revoked: false, prefix: 'victim-' });
  const signing = await timeSigning(data, rounds);
  const authority = await startBenchAuthority(data);
  const { partitions } = issuerOfStore(data);
  const watchers = new Watchers(authority, data, partitions);
  try {
    await settled(authority);
    await watchers.follow(signing.cursor);
    const reaches: Reach[] = [];
    let last = { serial: '', at: 0 };
    for (const [i, serial] of serialsOfStore(data, 'victim-').entries()) {
      last = { serial, at: performance.now() };
      reaches.push(await watchers.revoke(`victim-${i}`, serial));
    }
    const full = await awaitFullList(authority, watchers, last.serial, last.at);
    const name = `${count.toLocaleString('en-US')} revoked certificates, ${partitions} partitions, SQLite`;
    return { name, rows: rowsOf(signing, reaches, full), claims: claimsOf(signing, reaches, full) };
  } finally {
    watchers.stop();
    await authority.stop();
  }
}

function rowsOf(
  { partitions, full, longestTurnMs }: SigningFigures,
  reaches: readonly Reach[],
  list: FullListFigures,
): readonly Row[] {
  const row = (name: string, clock: readonly number[], cpu?: readonly number[]): Row => ({
    name,
    columns: { 'on the clock, ms': spreadOf(clock), ...(cpu && { 'CPU, ms': spreadOf(cpu) }) },
  });
  const each = (pick: (reach: Reach) => number) => reaches.map(pick);
  return [
    row(
      'a revocation, until a follower of the feed has it',
      each(({ feed }) => feed),
    ),
    row(
      '  until OCSP tells of it',
      each(({ ocsp }) => ocsp),
    ),
    row(
      "  until its partition's CRL has it",
      each(({ partition }) => partition),
    ),
    row(
      '  until it is answered',
      each(({ answered }) => answered),
    ),
    row('  until the full CRL has it', [list.reached]),
    row('a request to the authority, 99 of 100, before that', [p99(list.before)]),
    row('  while the full CRL is made', [p99(list.during)]),
    row('  the longest turn of its event loop meanwhile', [list.longestTurnMs]),
    row(
      'one partition read, signed and stored, by itself',
      partitions.map(({ clock }) => clock),
      partitions.map(({ cpu }) => cpu),
    ),
    row('the full CRL read, built, signed and stored, by itself', [full.clock], [full.cpu]),
    row('  the longest turn of an event loop meanwhile', [longestTurnMs]),
  ];
}

function claimsOf(
  { partitions, full }: SigningFigures,
  reaches: readonly Reach[],
  { reached, during }: FullListFigures,
): readonly Claim[] {
  const slowest = Math.max(...reaches.flatMap(({ feed, ocsp, partition }) => [feed, ocsp, partition]));
  const partition = median(partitions.map(({ cpu }) => cpu));
  const ms = (value: number): string => `${significant(value)} ms`;
  return [
    { words: `feed, OCSP and partition have each revocation within 1 s: ${ms(slowest)}`, held: slowest < 1000 },
    { words: `the full CRL has it within 60 s: ${significant(reached / 1000)} s`, held: reached < 60_000 },
    {
      words: `the full CRL is made in under 3 s of processor time: ${ms(full.cpu)}`,
      held: full.cpu < 3000,
    },
    {
      words: `99 of 100 requests are answered within 50 ms meanwhile: ${ms(p99(during))}`,
      held: p99(during) < 50,
    },
    { words: `a partition is signed anew in under 50 ms of processor time: ${ms(partition)}`, held: partition < 50 },
  ];
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN;
}
