import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authorityKeyId, buildCrl, crlNumber } from '@countersign/pki';
import { createRoot, temporaryFolder } from '@countersign/testkit';
import { runMeasured } from '../harness/child.ts';
import { median } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { significant } from '../harness/suite.ts';
import type { Claim, Result, Row } from '../harness/suite.ts';
import { crlEntries, serialAt } from './crl-entries.ts';
import type { CrlReading } from './crl-reader.ts';

const readerModule = join(import.meta.dirname, 'crl-reader.ts');

/** asn1js 4 refuses by default what has more nodes than a list of about a thousand entries; here its limits are lifted. */
const others: Record<string, string> = { pkijs: 'pkijs, reading only', peculiar: '@peculiar/x509, reading only' };

interface Turn {
  readonly name: string;
  readonly read: () => Promise<Partial<CrlReading> & { cpuMs: number }>;
}

/** A CRL is read, its signature checked, and indexed. */
async function benchReadCrl(count: number, withOthers: boolean, rounds: number): Promise<Result> {
  using folder = temporaryFolder();
  const ca = await createRoot('Bench CRL');
  const path = (name: string): string => join(folder.path, name);
  const crl = await buildCrl(
    {
      issuer: ca.certificate.subject,
      thisUpdate: ca.now,
      nextUpdate: ca.now + 86_400_000,
      entries: crlEntries(count),
      extensions: [crlNumber(1), authorityKeyId(ca.certificate.subjectKeyId ?? new Uint8Array(20))],
    },
    ca.signer,
  );
  writeFileSync(path('crl'), crl);
  writeFileSync(path('ca.der'), ca.der);
  writeFileSync(path('ca.pem'), ca.pem);
  const inProcess = (reader: string) => async (): Promise<CrlReading> => {
    const args = [
      '--conditions=countersign-source',
      readerModule,
      reader,
      path('crl'),
      path('ca.der'),
      serialAt(count >> 1),
    ];
    return JSON.parse((await runMeasured(process.execPath, args)).stdout) as CrlReading;
  };
  const openssl = async (): Promise<{ cpuMs: number }> =>
    runMeasured('openssl', [
      'crl',
      '-inform',
      'DER',
      '-in',
      path('crl'),
      '-noout',
      '-CAfile',
      path('ca.pem'),
      '-verify',
    ]);
  const turns: Turn[] = [
    { name: 'pki', read: inProcess('pki') },
    { name: 'openssl crl -verify', read: openssl },
    ...(withOthers ? Object.entries(others).map(([reader, name]) => ({ name, read: inProcess(reader) })) : []),
  ];
  const readings = new Map<string, (Partial<CrlReading> & { cpuMs: number })[]>(turns.map(({ name }) => [name, []]));
  const failures = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const { name, read } of turns) {
      if (failures.has(name)) continue;
      try {
        readings.get(name)?.push(await read());
      } catch (error) {
        failures.set(name, lastLine(error));
      }
    }
  }
  const own = readings.get('pki') ?? [];
  const rows = turns.map(({ name }): Row => rowOf(name, readings.get(name) ?? [], own, failures.get(name)));
  return {
    name: `read, check and index a CRL of ${count.toLocaleString('en-US')} entries (${significant(crl.length / 1e6)} MB)`,
    rows,
    claims: claimsOf(own),
  };
}

function rowOf(
  name: string,
  readings: readonly (Partial<CrlReading> & { cpuMs: number })[],
  own: readonly { cpuMs: number }[],
  failure: string | undefined,
): Row {
  if (readings.length === 0) return { name, columns: { CPU: failure ?? 'not run' } };
  const memory = readings.flatMap(({ megabytes }) => megabytes ?? []);
  const lookups = readings.flatMap(({ lookupMicros }) => lookupMicros ?? []);
  return {
    name,
    columns: {
      CPU: `${significant(median(readings.map(({ cpuMs }) => cpuMs)))} ms`,
      'times pki': significant(median(readings.map(({ cpuMs }, i) => cpuMs / (own[i]?.cpuMs ?? Number.NaN)))),
      'memory beyond the file': memory.length === 0 ? '' : `${significant(median(memory))} MB`,
      'a lookup': lookups.length === 0 ? '' : `${significant(median(lookups))} µs`,
    },
  };
}

function claimsOf(own: readonly Partial<CrlReading>[]): readonly Claim[] {
  const of = (key: 'cpuMs' | 'megabytes' | 'lookupMicros'): number =>
    median(own.flatMap((reading) => reading[key] ?? []));
  const claim = (what: string, value: number, limit: number, unit: string): Claim => ({
    words: `${what}: ${significant(value)} ${unit} of at most ${limit} ${unit}`,
    held: value <= limit,
  });
  return [
    claim('reading, checking and indexing', of('cpuMs'), 2000, 'ms'),
    claim('memory beyond the file', of('megabytes'), 40, 'MB'),
    claim('a lookup', of('lookupMicros'), 1, 'µs'),
  ];
}

function lastLine(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n');
  return `fails: ${(lines.find((line) => /Error/.test(line)) ?? lines.at(-1) ?? '').slice(0, 80)}`;
}

export function benchReadCrl100k({ rounds }: MeasureOptions): Promise<Result> {
  return benchReadCrl(100_000, true, rounds);
}

/** Without pkijs and @peculiar/x509, which would need minutes and gigabytes. */
export function benchReadCrlMillion({ rounds }: MeasureOptions): Promise<Result> {
  return benchReadCrl(1_000_000, false, rounds);
}
