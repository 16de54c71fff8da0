import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { initAuthority } from '@countersign/authority';
import { temporaryFolder } from '@countersign/testkit';
import { stopServer } from '../harness/authority.ts';
import { median } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { significant } from '../harness/suite.ts';
import type { Result } from '../harness/suite.ts';
import { Load } from './load.ts';
import { cpuOf, issued, startEcho, startServer } from './process.ts';
import type { Server } from './process.ts';
import { issueBody, newRequest } from './requests.ts';

/** More keys than the authority remembers, so that each counts as new. */
const keys = 2000;
const connections = 256;

interface Turn {
  readonly perSecond: number;
  /** Microseconds of processor time per answer. */
  readonly server: number;
  readonly client: number;
}

/** Certificates over the HTTPS API of an authority, beside a bare fastify over mutual TLS that answers with as much. */
export async function benchHttps(options: MeasureOptions): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  const data = folder.in('data');
  await initAuthority(data, { passphrase: 'bench', rootPassphrase: 'bench' });
  const authority = await startServer('authority', data);
  const ca = readFileSync(join(data, 'ca/root.crt'), 'utf8');
  const admin = await issued(data, { name: 'bench-admin', profile: 'admin' });
  const requests = await Promise.all(Array.from({ length: keys }, newRequest));
  const bodies = requests.map(({ csr }, n) => issueBody(n, csr));
  const loadOf = (port: number): Load =>
    new Load(
      { host: '127.0.0.1', port, ca, servername: 'localhost', ...admin },
      connections,
      '/v1/certificates',
      bodies,
    );
  const issuing = { server: authority, load: loadOf(authority.port) };
  // The warm-up also tells what an answer looks like.
  await issuing.load.wake();
  const { lastBody } = await issuing.load.run(keys);
  const echo = await startEcho(data, lastBody);
  const echoing = { server: echo, load: loadOf(echo.port) };
  await echoing.load.wake();
  await echoing.load.run(keys);

  const count = Math.max(keys, options.milliseconds * 10);
  const turn = async ({ server, load }: { readonly server: Server; readonly load: Load }): Promise<Turn> => {
    const child = server.process;
    await load.wake();
    const before = [await cpuOf(child), process.cpuUsage()] as const;
    const { answers, milliseconds } = await load.run(count);
    const after = [await cpuOf(child), process.cpuUsage()] as const;
    const spent = (which: 0 | 1): number =>
      (after[which].user + after[which].system - before[which].user - before[which].system) / answers;
    return { perSecond: (answers * 1000) / milliseconds, server: spent(0), client: spent(1) };
  };
  const turns: { issue: Turn; echo: Turn }[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    turns.push({ echo: await turn(echoing), issue: await turn(issuing) });
  }
  for (const { server, load } of [issuing, echoing]) {
    load.close();
    await stopServer(server.process);
  }
  const of = (pick: (one: (typeof turns)[number]) => number): number => median(turns.map(pick));
  const row = (name: string, pick: (one: (typeof turns)[number]) => Turn) => ({
    name,
    columns: {
      'answers per second': Math.round(of((one) => pick(one).perSecond)).toLocaleString('en-US'),
      'CPU of the server': `${significant(of((one) => pick(one).server))} µs`,
      'CPU of the load': `${significant(of((one) => pick(one).client))} µs`,
      'times the echo': significant(of((one) => pick(one).server / one.echo.server)),
    },
  });
  const perSecond = of(({ issue }) => issue.perSecond);
  return {
    name: `certificates over HTTPS, ${connections} connections kept alive, stored, linted and audited`,
    rows: [row('a bare fastify over mutual TLS', ({ echo: one }) => one), row('the authority', ({ issue }) => issue)],
    claims: [
      {
        words: `at least 2,000 a second, load generator included: ${Math.round(perSecond).toLocaleString('en-US')}`,
        held: perSecond >= 2000,
      },
    ],
  };
}
