import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { endGroupWithProcess, eventually, node, temporaryFolder } from '../src/index.ts';

const waits = fileURLToPath(new URL('support/waits.ts', import.meta.url));
const condition = '--conditions=countersign-source';

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // What has ended and is only not waited for yet, by whoever has adopted it, lives no more.
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/^\d+ \(.*\) Z/su.test(readFileSync(stat, 'utf8'));
}

for (const [whom, signal, args] of [
  ['the runner', 'SIGTERM', ['--test', '--test-reporter=tap', waits]],
  ['the runner', 'SIGINT', ['--test', '--test-reporter=tap', waits]],
  ['a test file', 'SIGHUP', [waits]],
] as const) {
  test(`${signal} to ${whom} leaves no product running and no folder behind`, async () => {
    using folder = temporaryFolder();
    // node:test tells the files it runs that they are its, which this one is not.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const runner = spawn(node, [condition, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...env, TMPDIR: folder.path },
    });
    const endGroup = endGroupWithProcess(runner);
    const gone = once(runner, 'exit');
    let said: { processes: readonly number[]; data: string } | undefined;
    for await (const line of createInterface({ input: runner.stdout })) {
      const [json] = /\{.*\}$/u.exec(line) ?? [];
      if (json === undefined) continue;
      said = JSON.parse(json) as NonNullable<typeof said>;
      break;
    }
    assert.ok(said !== undefined, 'the product has started');
    assert.ok(said.processes.length >= 4 && said.processes.every(lives));
    assert.ok(existsSync(said.data));
    // Only to the one process, as a runner's or an operator's `kill` is.
    runner.kill(signal);
    await gone;
    const { processes } = said;
    await eventually('every process of the product is gone', 10_000, () => !processes.some(lives));
    await eventually('its folder is gone', 10_000, () => readdirSync(folder.path).length === 0);
    endGroup();
  });
}
