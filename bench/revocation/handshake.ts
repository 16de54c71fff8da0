import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { temporaryFolder } from '@countersign/testkit';
import { ordered } from '../gateway/measure.ts';
import { makeScene } from '../gateway/servers.ts';
import { median } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { sessionCost, workersResident } from '../harness/session-cost.ts';
import { significant, spreadOf } from '../harness/suite.ts';
import type { Claim, Result } from '../harness/suite.ts';
import { startRevokingFronts } from './handshake-fronts.ts';
import type { RevokingFront } from './handshake-fronts.ts';

/** Before anything counts: code is compiled and compiled better, pools are filled. nginx has nothing to compile. */
const warmUp = { handshakes: 3000, turnMs: 1000 };
interface Turn {
  readonly count: number;
  readonly micros: number;
}

const folderOfGateway = join(import.meta.dirname, '../gateway');

/**
 * What a full mutual handshake with a request costs where very many certificates are revoked, beside where none is: processor time of all
 * processes of each server in interleaved rounds; nginx with the same CRLs beside it.
 */
export async function benchHandshake(many: number, options: MeasureOptions): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  const upstream = fork(join(folderOfGateway, 'upstream.ts'));
  const started: RevokingFront[] = [];
  let load: ChildProcess | undefined;
  try {
    const [port] = (await once(upstream, 'message')) as [number];
    const scene = await makeScene(folder.path, port);
    await startRevokingFronts(scene, many, started);
    load = fork(join(folderOfGateway, 'load.ts'), [JSON.stringify(scene.client)]);
    const costs = await rounds(load, started, Math.max(5, options.rounds), options.milliseconds * 2);
    return resultOf(started, costs);
  } finally {
    if (load?.connected === true) load.disconnect();
    upstream.disconnect();
    for (const { front } of started) await front.stop();
  }
}

/**
 * Microseconds of processor time for each handshake, by server and round. The gateways are what a few in a hundred are told of: each
 * round has many short turns of them, there and back again, so that who comes later has no part in the difference.
 */
async function rounds(
  load: ChildProcess,
  fronts: readonly RevokingFront[],
  wanted: number,
  milliseconds: number,
): Promise<ReadonlyMap<RevokingFront, readonly number[]>> {
  const costs = new Map<RevokingFront, number[]>(fronts.map((one) => [one, []]));
  const turn = async ({ front: { port, session } }: RevokingFront, turnMs: number): Promise<Turn> => {
    const before = sessionCost(session).cpuMs;
    const count = await ordered(load, { kind: 'full', port, milliseconds: turnMs, connections: 8 });
    return { count, micros: (sessionCost(session).cpuMs - before) * 1000 };
  };
  const gateways = fronts.filter(({ kind }) => kind === 'countersign');
  for (const one of gateways) {
    for (let made = 0; made < warmUp.handshakes;) made += (await turn(one, warmUp.turnMs)).count;
  }
  for (let round = 0; round < wanted; round += 1) {
    const turns = new Map<RevokingFront, Turn[]>(fronts.map((one) => [one, []]));
    for (const order of [gateways, gateways.toReversed(), gateways.toReversed(), gateways]) {
      for (const one of order) turns.get(one)?.push(await turn(one, milliseconds));
    }
    for (const one of fronts) if (one.kind === 'nginx') turns.get(one)?.push(await turn(one, milliseconds * 2));
    for (const [one, made] of turns) costs.get(one)?.push(sum(made, 'micros') / sum(made, 'count'));
  }
  return costs;
}

function sum(turns: readonly Turn[], of: keyof Turn): number {
  return turns.reduce((total, turn) => total + turn[of], 0);
}

function resultOf(fronts: readonly RevokingFront[], costs: ReadonlyMap<RevokingFront, readonly number[]>): Result {
  const noneOf = (kind: string) => fronts.find((one) => one.kind === kind && one.revoked === 0);
  const ratios = (one: RevokingFront): number[] => {
    const none = noneOf(one.kind);
    const reference = none === undefined ? [] : (costs.get(none) ?? []);
    return (costs.get(one) ?? []).map((cost, i) => cost / (reference[i] ?? Number.NaN));
  };
  const resident = (one: RevokingFront): number => Math.max(...workersResident(one.front.session)) / 1e6;
  const rows = fronts.map((one) => ({
    name: one.front.name,
    columns: {
      'CPU, µs': spreadOf(costs.get(one) ?? []),
      'times none revoked': spreadOf(ratios(one), (ratio) => ratio.toFixed(2)),
      'RSS of a worker, MB': significant(resident(one)),
    },
  }));
  const most = fronts.findLast(({ kind }) => kind === 'countersign');
  const claims: Claim[] = [];
  if (most !== undefined) {
    const ratio = median(ratios(most));
    const count = most.revoked.toLocaleString('en-US');
    const words = `with ${count} revoked a handshake costs at most 1.05 times one with none: ${spreadOf(ratios(most), (value) => value.toFixed(2))}`;
    claims.push({ words, held: ratio <= 1.05 });
    const rival = fronts.findLast(({ kind }) => kind === 'nginx');
    if (rival !== undefined) {
      const times = median((costs.get(rival) ?? []).map((cost, i) => cost / (costs.get(most)?.[i] ?? Number.NaN)));
      claims.push({ words: `nginx takes ${significant(times)} times as long with as many`, held: times > 1 });
    }
  }
  return { name: 'a full mutual handshake and a request, beside nginx with ssl_crl', rows, claims };
}
