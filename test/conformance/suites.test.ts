import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Case, Suite } from '../../scripts/conformance/case.ts';
import { loadSuite } from '../../scripts/conformance/load.ts';
import { DIFFERENCES, PROFILE_DIFFERENCES, type Difference } from './differences.ts';

const vectors = join(import.meta.dirname, 'vectors');
const docs = readFileSync(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');
const now = Date.parse('2026-06-01T00:00:00Z');

/** How many cases each file has, so that a reader that loses some is noticed. */
const SIZES: Readonly<Record<string, number>> = {
  'x509-limbo/limbo.json': 125,
  'x509-limbo/bettertls.json.gz': 1200,
  'pkits/pkits.json': 149,
  'boringssl-pki/crl_unittest/expected.json': 66,
  '../../../packages/pki/test/vectors/boringssl-pki/ocsp_unittest/expected.json': 36,
};

function load(file: string, profile?: 'rfc5280' | 'webpki'): Suite {
  return loadSuite(join(vectors, file), { now, ...(profile !== undefined && { profile }) });
}

function differing(cases: readonly Case[]): Difference[] {
  return cases.flatMap((testcase) =>
    testcase.agrees(testcase.run()) ? [] : [{ id: testcase.id, expected: String(testcase.expected) }],
  );
}

describe('the suites of others', () => {
  for (const [file, expected] of Object.entries(DIFFERENCES)) {
    test(`${file}: agrees, but for the cases on the list (${expected.length})`, () => {
      const { cases } = load(file);
      assert.equal(cases.length, SIZES[file]);
      assert.deepEqual(differing(cases), expected);
    });
  }

  for (const [profile, expected] of Object.entries(PROFILE_DIFFERENCES)) {
    test(`x509-limbo with --profile ${profile}: the cases made for it`, () => {
      const suite = load('x509-limbo/limbo.json', profile as 'rfc5280' | 'webpki');
      const cases = suite.cases.filter(({ id }) => id.startsWith(`${profile}::`));
      assert.ok(cases.length > 30);
      assert.deepEqual(differing(cases), expected);
    });
  }

  test('what is old runs under legacy, the rest does not', () => {
    assert.equal(load('pkits/pkits.json').legacy, true);
    assert.equal(load('boringssl-pki/crl_unittest/expected.json').legacy, true);
    assert.equal(load('x509-limbo/limbo.json').legacy, false);
  });

  test('every difference is explained in docs/conformance.md', () => {
    const listed = [...Object.values(DIFFERENCES), ...Object.values(PROFILE_DIFFERENCES)].flat();
    for (const { id } of listed) assert.ok(docs.includes(`\`${id}\``), id);
  });
});
