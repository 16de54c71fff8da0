import { sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authorityKeyId, buildCrl, crlNumber, parseCrl } from '@countersign/pki';
import type { CrlEntryTemplate, CrlTemplate } from '@countersign/pki';
import { createRoot, temporaryFolder } from '@countersign/testkit';
import type { TestCa } from '@countersign/testkit';
import { runMeasured } from '../harness/child.ts';
import { measure, median } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { rowsOf, significant } from '../harness/suite.ts';
import type { Result } from '../harness/suite.ts';
import { crlEntries } from './crl-entries.ts';

const count = 100_000;
const limitMs = 200;

/** A CRL of 100,000 entries is encoded and signed. */
export async function benchBuildCrl(options: MeasureOptions): Promise<Result> {
  const ca = await createRoot('Bench CRL');
  const entries = crlEntries(count);
  const template: CrlTemplate = {
    issuer: ca.certificate.subject,
    thisUpdate: ca.now,
    nextUpdate: ca.now + 86_400_000,
    entries,
    extensions: [crlNumber(1), authorityKeyId(ca.certificate.subjectKeyId ?? new Uint8Array(20))],
  };
  const { tbs } = parseCrl(await buildCrl(template, ca.signer));
  const floor = 'crypto.sign over as many octets';
  const measured = await measure(
    {
      name: 'build a CRL',
      against: floor,
      contenders: [
        { name: floor, run: () => sign('sha256', tbs, ca.key.privateKey) },
        { name: 'pki', run: () => buildCrl(template, ca.signer) },
      ],
    },
    options,
  );
  const own = (measured.find(({ name }) => name === 'pki')?.micros ?? Number.NaN) / 1000;
  const openssl = await opensslGencrl(ca, entries, options.rounds);
  return {
    name: `encode and sign a CRL of ${count.toLocaleString('en-US')} entries (${significant(tbs.length / 1e6)} MB)`,
    rows: [
      ...rowsOf(measured, floor),
      { name: 'openssl ca -gencrl', columns: { 'CPU per operation': `${significant(openssl * 1000)} µs` } },
    ],
    claims: [
      { words: `pki: ${significant(own)} ms of at most ${limitMs} ms`, held: own <= limitMs },
      { words: `openssl takes ${significant(openssl / own)} times as long`, held: openssl > own },
    ],
  };
}

/** Processor time in milliseconds. */
async function opensslGencrl(ca: TestCa, entries: readonly CrlEntryTemplate[], rounds: number): Promise<number> {
  using folder = temporaryFolder();
  const path = (name: string): string => join(folder.path, name);
  writeFileSync(path('ca.pem'), ca.pem);
  writeFileSync(path('ca.key'), ca.keyPem, { mode: 0o600 });
  writeFileSync(path('crlnumber'), '01\n');
  writeFileSync(
    path('index.txt'),
    entries
      .map(({ serialNumber, reason }) => {
        const why = reason === undefined ? '' : `,${reason}`;
        return `R\t301231235959Z\t260101000000Z${why}\t${String(serialNumber).toUpperCase()}\tunknown\t/CN=x\n`;
      })
      .join(''),
  );
  const config = [
    '[ca]',
    'default_ca=bench',
    '[bench]',
    'database=index.txt',
    'crlnumber=crlnumber',
    'certificate=ca.pem',
    'private_key=ca.key',
    'default_md=sha256',
    'default_crl_days=1',
    'crl_extensions=crl_ext',
    '[crl_ext]',
    'authorityKeyIdentifier=keyid',
  ];
  writeFileSync(path('ca.cnf'), `${config.join('\n')}\n`);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    times.push(
      (await runMeasured('openssl', ['ca', '-gencrl', '-config', 'ca.cnf', '-out', 'crl.pem'], folder.path)).cpuMs,
    );
  }
  return median(times);
}
