import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OID, pemEncode } from '@countersign/pki';
import { createRoot } from '@countersign/testkit';

const root = join(import.meta.dirname, '../..');
const vectors = join(import.meta.dirname, 'vectors');
const limbo = join(vectors, 'x509-limbo/limbo.json');

interface Line {
  readonly id: string;
  readonly actual: string;
  readonly code: string | null;
  readonly detail: string;
}

function run(...args: string[]): { lines: Line[]; closing: string; stderr: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--conditions=countersign-source', 'scripts/conformance.ts', ...args],
    { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 },
  );
  const all = stdout.trimEnd().split('\n');
  const closing = all.pop() ?? '';
  return { lines: all.map((line) => JSON.parse(line) as Line), closing, stderr, status };
}

describe('npm run conformance', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  test('prints one line a case and the counts', () => {
    const { lines, closing, status } = run(limbo);
    assert.equal(lines.length, 125);
    for (const line of lines) assert.deepEqual(Object.keys(line), ['id', 'actual', 'code', 'detail']);
    assert.match(closing, /^124 passed, 1 failed$/);
    assert.equal(status, 1);
  });

  test('judges the same without expectations and without telling names', () => {
    const suite = JSON.parse(readFileSync(limbo, 'utf8')) as { testcases: Record<string, unknown>[] };
    const bare = suite.testcases.map(
      ({ expected_result: _result, description: _text, conflicts_with: _pairs, ...testcase }, i) => ({
        ...testcase,
        id: `case::${i}`,
      }),
    );
    const file = join(folder, 'bare.json');
    writeFileSync(file, JSON.stringify({ version: 1, testcases: bare }));
    const named = run(limbo);
    const blind = run(file);
    assert.deepEqual(
      blind.lines.map(({ actual, code }) => ({ actual, code })),
      named.lines.map(({ actual, code }) => ({ actual, code })),
    );
    assert.equal(blind.closing, '125 judged, no expectations given');
    assert.equal(blind.status, 0);
  });

  test('takes null for every list and value that a case may leave out', () => {
    const suite = JSON.parse(readFileSync(limbo, 'utf8')) as { testcases: Record<string, unknown>[] };
    const optional = [
      'features',
      'untrusted_intermediates',
      'trusted_certs',
      'signature_algorithms',
      'key_usage',
      'extended_key_usage',
      'crls',
      'expected_peer_names',
      'expected_peer_name',
      'max_chain_depth',
      'expected_result',
    ];
    const empty = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0);
    const nulls = suite.testcases.map((testcase) => ({
      ...testcase,
      ...Object.fromEntries(optional.flatMap((name) => (empty(testcase[name]) ? [[name, null]] : []))),
    }));
    const without = suite.testcases.map((testcase) =>
      Object.fromEntries(Object.entries(testcase).filter(([name, value]) => !optional.includes(name) || !empty(value))),
    );
    const named = run(limbo);
    for (const [name, testcases] of Object.entries({ nulls, without })) {
      const file = join(folder, `${name}.json`);
      writeFileSync(file, JSON.stringify({ testcases }));
      assert.deepEqual(run(file).lines, named.lines, name);
    }
  });

  test('judges certificates with ML-DSA keys, which the web PKI does not know, by RFC 5280 and RFC 9881', async () => {
    const authority = await createRoot('Root', { key: 'ml-dsa-65' });
    const leaf = await authority.issue('host', {
      key: 'ml-dsa-44',
      sans: [{ type: 'dns', value: 'host.example' }],
      usages: [OID.serverAuth],
    });
    const testcase = {
      validation_kind: 'SERVER',
      trusted_certs: [pemEncode('CERTIFICATE', authority.der)],
      untrusted_intermediates: [],
      peer_certificate: pemEncode('CERTIFICATE', leaf.der),
      expected_peer_name: { kind: 'DNS', value: 'host.example' },
      expected_result: 'SUCCESS',
    };
    const file = join(folder, 'ml-dsa.json');
    writeFileSync(file, JSON.stringify({ testcases: [{ id: 'a', ...testcase }] }));
    const judged = run(file);
    assert.deepEqual([judged.lines[0]?.code, judged.closing], [null, '1 passed, 0 failed']);
    assert.equal(run(file, '--profile', 'webpki').lines[0]?.code, 'webpki_subscriber_key');
  });

  test('finds the files of a suite in --data, and says that it ran under legacy', () => {
    const file = join(folder, 'pkits.json');
    writeFileSync(file, readFileSync(join(vectors, 'pkits/pkits.json')));
    const { closing, status } = run(file, '--data', join(vectors, 'pkits'));
    assert.match(closing, /^149 passed, 0 failed \(legacy algorithms/);
    assert.equal(status, 0);
  });

  test('skips a case whose files are not there, and says which', () => {
    const file = join(folder, 'lost.json');
    writeFileSync(file, readFileSync(join(vectors, 'pkits/pkits.json')));
    const { lines, closing, status } = run(file);
    assert.ok(lines.every(({ actual, detail }) => actual === 'SKIP' && detail.includes('.crt')));
    assert.match(closing, /^0 passed, 149 failed, 149 skipped/);
    assert.equal(status, 1);
  });

  test('counts several files together', () => {
    const { closing } = run(
      join(vectors, 'pkits/pkits.json'),
      join(vectors, 'boringssl-pki/crl_unittest/expected.json'),
    );
    assert.match(closing, /^215 passed, 0 failed \(legacy algorithms in 2 of 2 files/);
  });

  test('answers wrong usage and unreadable files with one line and 2', () => {
    const text = join(folder, 'text.json');
    writeFileSync(text, 'no JSON');
    for (const args of [[], ['--profile', 'x', limbo], [join(folder, 'absent')], [text]]) {
      const { status, stderr } = run(...args);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, /^conformance: [^\n]+\n$/, args.join(' '));
    }
  });
});
