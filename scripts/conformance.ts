/**
 * Runs conformance suites: `npm run conformance -- FILE... [--profile rfc5280|webpki|spiffe] [--data DIR]`.
 *
 * FILE is a suite in x509-limbo's JSON form, PKITS in the form of `pkits.json` (with `certs/` and `crls/` beside it or in
 * DIR), or the `expected.json` of BoringSSL's CRL and OCSP sets (with the PEM files beside it or in DIR). Prints one JSON
 * line a case and, where expectations are given, `N passed, N failed`. Exit code: 0, 1 when a case failed, 2 for wrong usage.
 */

import { parseArgs } from 'node:util';
import type { PathProfile } from '@countersign/pki';
import { SuiteError } from './conformance/case.ts';
import { loadSuite } from './conformance/load.ts';
import { Tally } from './conformance/tally.ts';

const PROFILES: readonly string[] = ['rfc5280', 'webpki', 'spiffe'];

function main(): number {
  const { values, positionals } = parseArgs({
    options: { profile: { type: 'string' }, data: { type: 'string' } },
    allowPositionals: true,
  });
  const { profile, data } = values;
  if (positionals.length === 0)
    throw new SuiteError('usage: npm run conformance -- FILE... [--profile PROFILE] [--data DIR]');
  if (profile !== undefined && !PROFILES.includes(profile))
    throw new SuiteError(`--profile: one of ${PROFILES.join(', ')}`);
  const settings = {
    now: Date.now(),
    ...(profile !== undefined && { profile: profile as PathProfile }),
    ...(data !== undefined && { data }),
  };
  const tally = new Tally();
  for (const file of positionals) {
    const suite = loadSuite(file, settings);
    tally.startFile(suite.legacy);
    for (const testcase of suite.cases) {
      const outcome = testcase.run();
      tally.count(testcase, outcome);
      const { actual, code, detail } = outcome;
      console.log(JSON.stringify({ id: testcase.id, actual, code, detail }));
    }
  }
  console.log(tally.closingLine());
  return tally.failed > 0 ? 1 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  const isUsage = error instanceof SuiteError || (error instanceof TypeError && 'code' in error);
  if (!isUsage) throw error;
  console.error(`conformance: ${error.message}`);
  process.exitCode = 2;
}
