// A little fuzzing of every parser at each run of the tests. COUNTERSIGN_FUZZ_SECONDS=20 makes it that long for each.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { runSideBySide } from '../../fuzz/run-targets.ts';
import type { FuzzReport } from '../../fuzz/target.ts';
import { targets } from '../../fuzz/targets/index.ts';

const secondsWanted = process.env['COUNTERSIGN_FUZZ_SECONDS'];
const names = targets.map(({ name }) => name);

describe('fuzzing finds nothing', () => {
  let reports: readonly FuzzReport[] = [];
  before(async () => {
    reports = await runSideBySide({
      module: new URL('../../fuzz/targets/index.ts', import.meta.url).href,
      targets: names,
      // The seed of a test is always the same, so that what fails here fails everywhere.
      seed: 20_261_124,
      iterations: secondsWanted === undefined ? 400 : Infinity,
      seconds: Number(secondsWanted ?? 60),
    });
  });

  for (const name of names) {
    test(name, () => {
      const report = reports.find(({ target }) => target === name);
      assert.ok(report);
      const words = report.findings.map(
        ({ kind, detail, input }) => `${kind}: ${detail}\n${Buffer.from(input).toString('base64')}`,
      );
      assert.deepEqual(words, []);
      assert.ok(report.iterations > report.seeds, 'nothing was tried');
      assert.ok(report.accepted > 0, 'nothing was accepted, so nothing deep was reached');
      assert.ok(report.behaviours > 2, 'everything ended in the same way');
    });
  }
});
