// A test file that starts a product, says so, and waits for longer than anybody will.
import { test } from 'node:test';
import { runCommand, startProduct } from '../../src/index.ts';

test('waits', async () => {
  await using product = await startProduct({ args: ['--workers', '1'] });
  const processes = (await product.processes()).map(({ pid }) => pid);
  const waiting = runCommand('sh', ['-c', 'exec sleep 600'], { timeoutMs: 600_000 });
  process.stdout.write(`${JSON.stringify({ processes, data: product.data })}\n`);
  await waiting;
});
