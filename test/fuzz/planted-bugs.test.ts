import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runTargets } from '../../fuzz/run-targets.ts';
import type { Finding } from '../../fuzz/target.ts';
import { targets } from './planted.ts';

const module = new URL('./planted.ts', import.meta.url).href;

async function find(target: string, hangSeconds?: number): Promise<readonly Finding[]> {
  const options = { module, targets: [target], seed: 7, iterations: 40_000, seconds: 60, maxFindings: 1 };
  const [report] = await runTargets(hangSeconds === undefined ? options : { ...options, hangSeconds });
  return report?.findings ?? [];
}

describe('a planted bug is found', () => {
  test('an error of another type', async () => {
    const findings = await find('throws-on-equal-names');
    assert.ok(findings.some(({ kind, detail }) => kind === 'throw' && /planted: the same name twice/.test(detail)));
  });

  test('an input that does not come back, with the input', async () => {
    const [finding] = await find('hangs-on-empty-attribute', 2);
    assert.equal(finding?.kind, 'hang');
    assert.equal(finding.input[0], 0x30);
  });

  test('memory that a number in the input asks for', async () => {
    const findings = await find('allocates-what-a-number-says');
    assert.ok(findings.some(({ kind }) => kind === 'memory' || kind === 'crash'));
  });

  test('an input that takes too long', async () => {
    const findings = await find('slow-on-long-names');
    assert.ok(findings.some(({ kind }) => kind === 'slow'));
  });

  test('an input that somebody else reads differently', async () => {
    const findings = await find('reads-times-differently');
    assert.ok(findings.some(({ kind, detail }) => kind === 'different' && /another date/.test(detail)));
  });

  test('each of them is planted once', () => {
    assert.equal(new Set(targets.map(({ name }) => name)).size, 5);
  });
});
