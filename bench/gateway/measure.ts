import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MeasureOptions } from '../harness/measure.ts';
import { median } from '../harness/measure.ts';
import { type Result, type Row, significant, spreadOf } from '../harness/suite.ts';
import type { Done, Order } from './load.ts';
import type { Front } from '../harness/front.ts';
import { makeScene, startFronts } from './servers.ts';
import { sessionCost } from '../harness/session-cost.ts';

/** The first turn: code is compiled, pools are filled. */
const warmUpMs = 4000;

/** What is measured of every server. */
export interface Measurement {
  readonly title: string;
  readonly order: Omit<Order, 'port' | 'milliseconds'>;
  /** Names what is counted, and how much of it the figure is of. */
  readonly unit: string;
  readonly scale?: number;
  /** Bytes held rather than time used. */
  readonly memory?: boolean;
  /** Our share of nginx's cost that is promised not to be passed. */
  readonly atMost?: number;
}

interface Sample {
  readonly cost: number;
  readonly perSecond: number;
}

/**
 * Measures servers in front of one upstream in interleaved rounds: processor time of all processes of each server, divided by
 * what the load counted meanwhile; or the memory that open connections take.
 */
export async function compareFronts(measured: Measurement, options: MeasureOptions): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const started: Front[] = [];
  const upstream = fork(join(import.meta.dirname, 'upstream.ts'));
  let load: ChildProcess | undefined;
  try {
    const [port] = (await once(upstream, 'message')) as [number];
    const scene = await makeScene(folder, port);
    started.push(...(await startFronts(scene)));
    load = fork(join(import.meta.dirname, 'load.ts'), [JSON.stringify(scene.client)]);
    const samples = await rounds(measured, options, started, load);
    return { name: measured.title, rows: rowsOf(measured, samples), claims: claimsOf(measured, samples) };
  } finally {
    if (load?.connected === true) load.disconnect();
    upstream.disconnect();
    for (const one of started) await one.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function rounds(
  measured: Measurement,
  { rounds: wanted, milliseconds }: MeasureOptions,
  fronts: readonly Front[],
  load: ChildProcess,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map<string, Sample[]>(fronts.map(({ name }) => [name, []]));
  // Memory that was used once is used again without a trace: only the first turn tells what connections take.
  for (let round = -1; round < (measured.memory === true ? 0 : wanted); round++) {
    for (const { name, port, session } of fronts) {
      const before = sessionCost(session);
      const began = performance.now();
      const turn = round < 0 && measured.memory !== true ? warmUpMs : milliseconds;
      const count = await ordered(load, { ...measured.order, port, milliseconds: turn });
      const seconds = (performance.now() - began) / 1000;
      const after = sessionCost(session);
      const used = measured.memory === true ? after.bytes - before.bytes : (after.cpuMs - before.cpuMs) * 1000;
      if (measured.memory === true) await ordered(load, { kind: 'open', port, milliseconds, connections: 0 });
      if (round < 0 && measured.memory !== true) continue;
      samples.get(name)?.push({ cost: (used / count) * (measured.scale ?? 1), perSecond: count / seconds });
    }
  }
  return samples;
}

/** Has the load carry out an order; resolves with what it counted. */
export function ordered(load: ChildProcess, order: Order): Promise<number> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('the load has ended'));
    load.once('exit', gone);
    load.once('message', (done) => {
      load.off('exit', gone);
      resolve((done as Done).count);
    });
    load.send(order);
  });
}

function ratios(samples: ReadonlyMap<string, readonly Sample[]>, name: string, against: string): readonly number[] {
  const reference = samples.get(against) ?? [];
  return (samples.get(name) ?? []).map(({ cost }, i) => cost / (reference[i]?.cost ?? Number.NaN));
}

function rowsOf(measured: Measurement, samples: ReadonlyMap<string, readonly Sample[]>): readonly Row[] {
  const peers = ['nginx', 'HAProxy'].filter((name) => samples.has(name));
  return [...samples].map(([name, own]) => {
    const figure = median(own.map(({ cost }) => cost));
    return {
      name,
      columns: {
        [measured.unit]: significant(figure),
        ...(measured.memory === true ? {} : { 'a second': significant(median(own.map(({ perSecond }) => perSecond))) }),
        ...Object.fromEntries(
          peers.map((peer) => [`times ${peer}`, spreadOf(ratios(samples, name, peer), (ratio) => ratio.toFixed(2))]),
        ),
      },
    };
  });
}

function claimsOf(measured: Measurement, samples: ReadonlyMap<string, readonly Sample[]>): Result['claims'] {
  if (measured.atMost === undefined || !samples.has('nginx')) return [];
  const ratio = median(ratios(samples, 'countersign', 'nginx'));
  const words = `countersign costs at most ${measured.atMost} times nginx: ${ratio.toFixed(2)}`;
  return [{ words, held: ratio <= measured.atMost }];
}
