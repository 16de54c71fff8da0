import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { adminSocketPath, initAuthority } from '@countersign/authority';
import { temporaryFolder } from '@countersign/testkit';
import { median } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { significant } from '../harness/suite.ts';
import type { Result } from '../harness/suite.ts';
import { load } from './load.ts';
import { issueBody, newRequest } from './requests.ts';

/** More keys than the authority remembers, so that each counts as new. */
const keys = 2000;
const connections = 256;

interface Server {
  readonly process: ChildProcess;
  readonly port: number;
}

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
  const authority = await start('authority', data);
  const ca = readFileSync(join(data, 'ca/root.crt'), 'utf8');
  const admin = await issued(data, { name: 'bench-admin', profile: 'admin' });
  const echoIdentity = await issued(data, { name: 'localhost', profile: 'server' });
  writeFileSync(join(data, 'echo.key'), echoIdentity.key);
  writeFileSync(join(data, 'echo.crt'), echoIdentity.cert);
  const requests = await Promise.all(Array.from({ length: keys }, newRequest));
  const bodies = requests.map(({ csr }, n) => issueBody(n, csr));
  const target = (port: number) => ({ host: '127.0.0.1', port, ca, servername: 'localhost', ...admin });
  // The warm-up also tells what an answer looks like.
  const { lastBody } = await load(target(authority.port), '/v1/certificates', bodies, connections, keys);
  writeFileSync(join(data, 'answer.json'), lastBody);
  const echo = await start('echo', data);
  await load(target(echo.port), '/v1/certificates', bodies, connections, keys);

  const count = Math.max(keys, options.milliseconds * 10);
  const turn = async ({ process: child, port }: Server): Promise<Turn> => {
    const before = [await cpuOf(child), process.cpuUsage()] as const;
    const { answers, milliseconds } = await load(target(port), '/v1/certificates', bodies, connections, count);
    const after = [await cpuOf(child), process.cpuUsage()] as const;
    const spent = (which: 0 | 1): number =>
      (after[which].user + after[which].system - before[which].user - before[which].system) / answers;
    return { perSecond: (answers * 1000) / milliseconds, server: spent(0), client: spent(1) };
  };
  const turns: { issue: Turn; echo: Turn }[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    turns.push({ echo: await turn(echo), issue: await turn(authority) });
  }
  for (const { process: child } of [authority, echo]) child.disconnect();
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

async function start(kind: 'authority' | 'echo', data: string): Promise<Server> {
  const child = fork(new URL('./server.ts', import.meta.url), [kind, data], {
    // For instance --cpu-prof.
    execArgv: [...process.execArgv, ...(process.env['COUNTERSIGN_BENCH_NODE_OPTIONS']?.split(' ') ?? [])],
    // Its log is written, and read by nobody.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { process: child, port };
}

async function cpuOf(child: ChildProcess): Promise<NodeJS.CpuUsage> {
  child.send('cpu');
  const [{ cpu }] = (await once(child, 'message')) as [{ cpu: NodeJS.CpuUsage }];
  return cpu;
}

/** Issues over the local socket. */
async function issued(data: string, wanted: object): Promise<{ key: string; cert: string }> {
  const { keyPem, csr } = await newRequest();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const outgoing = request(
    {
      socketPath: adminSocketPath(data),
      method: 'POST',
      path: '/v1/certificates',
      headers: { 'content-type': 'application/json' },
    },
    (incoming) => {
      let text = '';
      incoming
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('end', () => resolve(text));
    },
  );
  outgoing.once('error', reject).end(JSON.stringify({ ...wanted, csr }));
  const { certificate } = JSON.parse(await promise) as { certificate: string };
  return { key: keyPem, cert: certificate };
}
