// `countersign verify` comes to the suites' verdicts, on files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { temporaryFolder } from '@countersign/testkit';
import { CliFailure } from '../../packages/cli/src/failure.ts';
import { judgeFiles, type FileVerdict } from '../../packages/cli/src/verification/verify.ts';
import { VERIFY_DIFFERENCES, type Difference } from './differences.ts';

const repository = join(import.meta.dirname, '../..');
const vectors = join(import.meta.dirname, 'vectors');
const now = '2026-06-01T00:00:00Z';

/** What one case is as a command line. */
interface Line {
  readonly id: string;
  readonly expected: 'SUCCESS' | 'FAILURE';
  readonly certificate: string;
  readonly trust: readonly string[];
  readonly intermediates: readonly string[];
  readonly crls: readonly string[];
  readonly purpose: 'client' | 'server' | undefined;
  readonly host: string | undefined;
  readonly time: string;
  readonly profile: 'rfc5280' | 'webpki' | undefined;
  readonly algorithms: 'modern' | 'legacy';
}

interface LimboCase {
  readonly id: string;
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time: string | null;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name: { readonly kind: string; readonly value: string } | null;
  readonly crls: readonly string[];
}

/** The cases of x509-limbo; which rules are meant, the folder tells. */
function limboLines(folder: string): readonly Line[] {
  const suite = JSON.parse(readFileSync(join(vectors, 'x509-limbo/limbo.json'), 'utf8')) as { testcases: LimboCase[] };
  return suite.testcases.map((testcase, index): Line => {
    const write = (kind: string, pems: readonly string[]): readonly string[] =>
      pems.map((pem, i) => {
        const file = join(folder, `${index}-${kind}-${i}.pem`);
        writeFileSync(file, pem);
        return file;
      });
    const host = testcase.expected_peer_name;
    return {
      id: testcase.id,
      expected: testcase.expected_result,
      certificate: write('leaf', [testcase.peer_certificate])[0] ?? '',
      trust: write('trust', testcase.trusted_certs),
      intermediates: write('intermediate', testcase.untrusted_intermediates),
      crls: write('crl', testcase.crls),
      purpose: testcase.validation_kind === 'SERVER' ? 'server' : 'client',
      host: host === null || host.kind === 'RFC822' ? undefined : host.value,
      time: testcase.validation_time ?? now,
      profile: testcase.id.startsWith('webpki::') ? 'webpki' : 'rfc5280',
      algorithms: 'modern',
    };
  });
}

interface PkitsCase {
  readonly id: string;
  readonly certs: readonly string[];
  readonly crls: readonly string[];
  readonly shouldValidate: boolean;
  readonly initialPolicySet: readonly string[];
  readonly initialExplicitPolicy: boolean;
  readonly initialPolicyMappingInhibit: boolean;
  readonly initialInhibitAnyPolicy: boolean;
}

/** The cases of PKITS that ask for no policies. */
function pkitsLines(): readonly Line[] {
  const folder = join(vectors, 'pkits');
  const suite = JSON.parse(readFileSync(join(folder, 'pkits.json'), 'utf8')) as {
    verifyTime: string;
    cases: PkitsCase[];
  };
  return suite.cases
    .filter(
      (testcase) =>
        testcase.initialPolicySet.includes('anyPolicy') &&
        !testcase.initialExplicitPolicy &&
        !testcase.initialPolicyMappingInhibit &&
        !testcase.initialInhibitAnyPolicy,
    )
    .map(({ id, certs, crls, shouldValidate }): Line => {
      const files = certs.map((name) => join(folder, 'certs', `${name}.crt`));
      return {
        id,
        expected: shouldValidate ? 'SUCCESS' : 'FAILURE',
        certificate: files.at(-1) ?? '',
        trust: files.slice(0, 1),
        intermediates: files.slice(1, -1),
        crls: crls.map((name) => join(folder, 'crls', `${name}.crl`)),
        purpose: undefined,
        host: undefined,
        time: suite.verifyTime,
        profile: undefined,
        algorithms: 'legacy',
      };
    });
}

function judge(line: Line): FileVerdict {
  return judgeFiles(
    {
      ...line,
      crls: line.crls.length > 0 ? line.crls : undefined,
      crlScope: 'chain',
      purpose: line.purpose ?? 'any',
      time: Date.parse(line.time),
      profile: line.profile ?? 'rfc5280',
      strict: line.profile === 'rfc5280',
    },
    () => undefined,
  );
}

function wordFor(line: Line): string {
  try {
    return judge(line).ok ? 'SUCCESS' : 'FAILURE';
  } catch (error) {
    if (error instanceof CliFailure) return `exit ${error.exit}: ${error.message}`;
    throw error;
  }
}

function differing(lines: readonly Line[]): Difference[] {
  return lines.flatMap((line) => {
    const word = wordFor(line);
    if (word.startsWith('exit')) return [{ id: `${line.id} (${word})`, expected: line.expected }];
    return word === line.expected ? [] : [{ id: line.id, expected: line.expected }];
  });
}

function argumentsOf(line: Line): string[] {
  const several = (flag: string, values: readonly string[]): string[] => (values.length > 0 ? [flag, ...values] : []);
  const one = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [flag, value]);
  return [
    'verify',
    line.certificate,
    '--json',
    ...several('--trust', line.trust),
    ...several('--intermediates', line.intermediates),
    ...several('--crl', line.crls),
    ...one('--purpose', line.purpose),
    ...one('--host', line.host),
    ...one('--time', line.time),
    ...one('--profile', line.profile),
    ...one('--algorithms', line.algorithms),
  ];
}

/** Of many lines a few that differ in kind: accepted and refused, with lists and without, malformed ones. */
function few(lines: readonly Line[], ids: readonly string[]): readonly Line[] {
  const found = lines.filter(({ id }) => ids.includes(id));
  assert.equal(found.length, ids.length);
  return found;
}

describe('countersign verify', () => {
  const folder = temporaryFolder();
  let limbo: readonly Line[] = [];
  before(() => {
    limbo = limboLines(folder.path);
  });
  after(() => folder[Symbol.dispose]());

  test('comes to the verdicts of x509-limbo, but for the cases on the list', () => {
    assert.equal(limbo.length, 125);
    assert.deepEqual(differing(limbo), VERIFY_DIFFERENCES);
  });

  test('with --algorithms legacy comes to the verdicts of PKITS', () => {
    const lines = pkitsLines();
    assert.ok(lines.length > 100, `${lines.length}`);
    assert.deepEqual(differing(lines), []);
  });

  test('names the certificate and the reason of every refusal', () => {
    for (const line of [...limbo, ...pkitsLines()]) {
      const verdict = judge(line);
      if (verdict.ok) continue;
      assert.match(verdict.code, /^[a-z_]+$/, line.id);
      assert.match(verdict.reason, /^[a-z_0-9]+$/, line.id);
      if (verdict.code !== 'malformed_certificate') assert.ok(verdict.at?.serial, line.id);
    }
  });

  test('the command exits 0 for what is valid and 1 for what is not', () => {
    const lines = [
      ...few(limbo, [
        'crl::revoked-certificate-with-crl',
        'online::s3.amazonaws.com',
        'rfc5280::mismatching-signature-algorithm',
        'rfc5280::nc::nc-permits-email-exact',
        'webpki::nc::intermediate-permitted-excluded-subtrees-both-empty-sequences',
      ]),
      ...pkitsLines().slice(0, 2),
    ];
    for (const line of lines) {
      const ran = spawnSync(
        process.execPath,
        ['--conditions=countersign-source', 'packages/cli/bin/countersign.js', ...argumentsOf(line)],
        { cwd: repository, encoding: 'utf8' },
      );
      assert.equal(ran.status, line.expected === 'SUCCESS' ? 0 : 1, `${line.id}: ${ran.stderr}`);
      assert.deepEqual(JSON.parse(ran.stdout), JSON.parse(JSON.stringify(judge(line))), line.id);
    }
  });
});

test('every difference of verify is explained in docs/conformance.md', () => {
  const docs = readFileSync(join(repository, 'docs/conformance.md'), 'utf8');
  for (const { id } of VERIFY_DIFFERENCES) assert.ok(docs.includes(`\`${id}\``), id);
});
