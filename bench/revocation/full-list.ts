import { setTimeout as pause } from 'node:timers/promises';
import type { BenchAuthority } from '../harness/authority.ts';
import { ask, keptConnection } from '../harness/local-api.ts';
import type { Watchers } from './reach.ts';

const fullList = '/crl/issuing-1.crl';
/** It is promised within a minute. */
const patienceMs = 180_000;

/** What the authority did while it made the full CRL, beside what it did before; milliseconds. */
export interface FullListFigures {
  /** From the revocation to the list that has it. */
  readonly reached: number;
  /** How long the list was being made. */
  readonly built: number;
  /** How long requests took meanwhile, and before. */
  readonly during: readonly number[];
  readonly before: readonly number[];
  /** The longest turn of the event loop meanwhile. */
  readonly longestTurnMs: number;
}

interface Sample {
  readonly at: number;
  readonly ms: number;
}

/** Waits for the full CRL with a serial number that was revoked at `revokedAt`, and asks for its status over OCSP all the time. */
export async function awaitFullList(
  authority: BenchAuthority,
  watchers: Watchers,
  serial: string,
  revokedAt: number,
): Promise<FullListFigures> {
  const agent = keptConnection();
  const over = new AbortController();
  const requests: Sample[] = [];
  const turns: Sample[] = [];
  const question = watchers.question(serial);
  const asking = repeat(over.signal, 5, async () => {
    const at = performance.now();
    const headers = { 'content-type': 'application/ocsp-request' };
    await ask({ host: '127.0.0.1', port: authority.http, method: 'POST', path: '/ocsp', headers, agent }, question);
    requests.push({ at, ms: performance.now() - at });
  });
  const watching = repeat(over.signal, 100, async () => {
    const ms = await authority.longestTurnMs();
    turns.push({ at: performance.now(), ms });
  });
  const inForceAt = await changed(authority, watchers, serial);
  over.abort();
  await Promise.all([asking, watching]);
  agent.destroy();
  const built = 1000 * (await secondsOfFull(authority));
  const isDuring = ({ at }: Sample): boolean => at >= inForceAt - built && at <= inForceAt;
  const msOf = (samples: readonly Sample[]): number[] => samples.map(({ ms }) => ms);
  return {
    reached: inForceAt - revokedAt,
    built,
    during: msOf(requests.filter(isDuring)),
    before: msOf(requests.filter(({ at }) => at < inForceAt - built)),
    // A turn is told of when it is over, which may be a little later.
    longestTurnMs: Math.max(...msOf(turns.filter(({ at }) => at >= inForceAt - built))),
  };
}

async function changed(authority: BenchAuthority, watchers: Watchers, serial: string): Promise<number> {
  let etag: string | undefined;
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline;) {
    const head = await ask({ host: '127.0.0.1', port: authority.http, method: 'HEAD', path: fullList });
    const at = performance.now();
    if (head.etag !== etag) {
      etag = head.etag;
      if (await watchers.isListed(serial, fullList)) return at;
    }
    await pause(50);
  }
  throw new Error('the full CRL does not come');
}

async function secondsOfFull(authority: BenchAuthority): Promise<number> {
  const { body } = await ask({ socketPath: authority.admin, path: '/v1/metrics' });
  const text = body.toString('utf8');
  const line = /crl_sign_seconds\{ca="issuing-1",scope="full"\} (?<seconds>[0-9.e-]+)/u.exec(text);
  return Number(line?.groups?.['seconds'] ?? Number.NaN);
}

/** Resolves when the authority has nothing left to do in the background: answers are signed ahead after a start. */
export async function settled(authority: BenchAuthority): Promise<void> {
  for (let before = -1; ;) {
    const { cpuMs } = authority.cost();
    if (before >= 0 && cpuMs - before < 100) return;
    before = cpuMs;
    await pause(1000);
  }
}

async function repeat(over: AbortSignal, everyMs: number, work: () => Promise<void>): Promise<void> {
  while (!over.aborted) {
    await work();
    await pause(everyMs);
  }
}
