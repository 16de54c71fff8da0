import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { temporaryFolder } from '@countersign/testkit';
import { measure, median } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { significant, spreadOf } from '../harness/suite.ts';
import type { Claim, Result } from '../harness/suite.ts';
import { cached, emptyPost, opensslP256, post, startLoad, startOcspServers, withNonce } from './ocsp-servers.ts';
import type { OcspServer } from './ocsp-servers.ts';

/** The first turn: code is compiled, answers are signed. */
const warmUpMs = 3000;

interface Turn {
  /** Microseconds of the server's processor time. */
  readonly micros: number;
  readonly perSecond: number;
}

/**
 * What an answer of the OCSP responder costs, over kept connections: processor time of the whole process of the authority. `openssl ocsp`
 * keeps no connection, so each of its answers has one of its own.
 */
export async function benchOcsp(options: MeasureOptions): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  const servers = await startOcspServers(folder);
  const load = startLoad();
  try {
    const turns = new Map<string, Turn[]>(servers.map(({ name }) => [name, []]));
    const signatures: number[] = [];
    for (let round = -1; round < options.rounds; round += 1) {
      for (const server of servers) {
        const before = server.cost().cpuMs;
        const { count, milliseconds } = await post(load, server, round < 0 ? warmUpMs : options.milliseconds * 4);
        const micros = ((server.cost().cpuMs - before) * 1000) / count;
        if (round >= 0) turns.get(server.name)?.push({ micros, perSecond: (count * 1000) / milliseconds });
      }
      if (round >= 0) signatures.push(await signature(options));
    }
    return resultOf(servers, turns, signatures);
  } finally {
    if (load.connected) load.disconnect();
    for (const server of servers) await server.stop();
  }
}

/** Microseconds of processor time for the bare signature of an answer with P-256. */
async function signature({ milliseconds }: MeasureOptions): Promise<number> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const answer = randomBytes(250);
  const contender = { name: 'signature', run: () => sign('sha256', answer, privateKey) };
  const [measured] = await measure({ name: 'signature', contenders: [contender] }, { rounds: 1, milliseconds });
  return measured?.micros ?? Number.NaN;
}

function resultOf(
  servers: readonly OcspServer[],
  turns: ReadonlyMap<string, readonly Turn[]>,
  signatures: readonly number[],
): Result {
  const microsOf = (name: string): number[] => (turns.get(name) ?? []).map(({ micros }) => micros);
  const seenOf = (name: string): number[] => (turns.get(name) ?? []).map(({ perSecond }) => perSecond);
  const ratios = (name: string, to: string): number[] => {
    const reference = microsOf(to);
    return microsOf(name).map((micros, i) => (reference[i] ?? Number.NaN) / micros);
  };
  const rows = servers.map(({ name }) => ({
    name,
    columns: {
      'CPU, µs': spreadOf(microsOf(name)),
      'a second on a core': Math.round(1e6 / median(microsOf(name))).toLocaleString('en-US'),
      'a second seen': Math.round(median(seenOf(name))).toLocaleString('en-US'),
      'times an empty POST': significant(1 / median(ratios(name, emptyPost))),
    },
  }));
  const perCore = 1e6 / median(microsOf(cached));
  const bounds = microsOf(emptyPost).map((micros, i) => (signatures[i] ?? Number.NaN) + 1.5 * micros);
  const live = microsOf(withNonce);
  const share = median(live.map((micros, i) => micros / (bounds[i] ?? Number.NaN)));
  const claims: Claim[] = [
    {
      words: `at least 10,000 answers signed before, per second of a core: ${Math.round(perCore).toLocaleString('en-US')}`,
      held: perCore >= 10_000,
    },
    {
      words: `with a nonce, at most the signature and 1.5 times an empty POST, ${significant(median(bounds))} µs: ${significant(median(live))} µs, ${significant(share)} times that`,
      held: share <= 1,
    },
  ];
  if (turns.has(opensslP256)) {
    const times = median(ratios(cached, opensslP256));
    const seen = median(seenOf(cached)) / median(seenOf(opensslP256));
    claims.push({
      words: `answers signed before are at least 50 times as cheap as those of openssl ocsp with the same kind of key: ${significant(times)} (on the clock ${significant(seen)} times as many)`,
      held: times >= 50,
    });
  }
  const floor = { name: 'the bare signature (crypto.sign)', columns: { 'CPU, µs': spreadOf(signatures) } };
  return { name: 'an OCSP answer over HTTP, P-256', rows: [...rows, floor], claims };
}
