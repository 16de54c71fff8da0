import { parentPort, workerData } from 'node:worker_threads';
import { fuzzLoop } from './loop.ts';
import type { WorkerOrder } from './run-targets.ts';
import type { TargetModule } from './target.ts';
import { InputWindow } from './window.ts';

const order = workerData as WorkerOrder;
const { module, targets: names, seed, iterations, milliseconds, maxFindings } = order;
const { targets } = (await import(module)) as TargetModule;
const window = new InputWindow(order.window);
for (const name of names) {
  const target = targets.find((one) => one.name === name);
  if (target === undefined) throw new Error(`no target ${name} in ${module}`);
  const announce = (input: Uint8Array): void => window.show(input);
  const report = await fuzzLoop(target, { seed, iterations, milliseconds, maxFindings, announce });
  window.rest();
  parentPort?.postMessage(report, []);
}
