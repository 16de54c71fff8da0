import { peer, temporaryFolder } from '@countersign/testkit';
import { stopServer } from '../harness/authority.ts';
import { freePort } from '../harness/front.ts';
import { median } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { sessionCost } from '../harness/session-cost.ts';
import { significant } from '../harness/suite.ts';
import type { Result, Row } from '../harness/suite.ts';
import { Load } from '../issuance/load.ts';
import { startEcho } from '../issuance/process.ts';
import { Clients, requestsFor, Responder } from './orders.ts';
import type { Identifier, RunResult } from './orders.ts';
import { startCaddy, startCountersign } from './servers.ts';
import type { AcmeServer } from './servers.ts';

const connections = 64;
const keys = 512;

interface Turn {
  readonly perSecond: number;
  /** Microseconds of processor time per order. */
  readonly server: number;
  readonly client: number;
  readonly requests: number;
}

/** What is measured in turns with others. */
interface Contender {
  readonly name: string;
  readonly session: number;
  /** Connects. */
  wake(): Promise<void>;
  run(milliseconds: number): Promise<RunResult>;
  stop(): Promise<void>;
}

/** Orders whose names an administrator vouches for with an external account key, beside a bare server that answers as many requests. */
export async function benchVouched(options: MeasureOptions): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  const server = await startCountersign(folder.path, 80, 'dns:.bench.test');
  const own = await contender(server, { type: 'dns', value: 'a.bench.test' });
  const turns = await compare([await bareServer(server), own], options);
  return {
    name: `complete ACME orders, ${connections} accounts, names vouched for by their external account key`,
    rows: rowsOf(turns),
    claims: [atLeast(400, turns)],
  };
}

/** Orders proven by http-01, beside Caddy's. */
export async function benchHttp01(options: MeasureOptions): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  // Caddy validates at port 80 and nowhere else: an address of the loopback that nobody else has.
  const host = `127.80.${process.pid % 250}.1`;
  const atPort80 = await Responder.open(host, 80);
  const port = atPort80 === undefined ? await freePort() : 80;
  const responder = atPort80 ?? (await Responder.open(host, port));
  if (responder === undefined) throw new Error(`cannot listen on ${host}`);
  const caddy = atPort80 === undefined ? undefined : peer('caddy');
  const identifier = { type: 'ip', value: host } as const;
  try {
    const contenders = [await contender(await startCountersign(folder.path, port), identifier, responder)];
    if (caddy !== undefined)
      contenders.push(await contender(await startCaddy(folder.path, caddy), identifier, responder));
    const turns = await compare(contenders, options);
    return {
      name: `complete ACME orders, ${connections} accounts, proven by http-01 to a local responder`,
      rows: rowsOf(turns),
      claims: [atLeast(150, turns)],
    };
  } finally {
    responder.close();
  }
}

/** Clients of a server that complete orders for one identifier. */
async function contender(server: AcmeServer, identifier: Identifier, responder?: Responder): Promise<Contender> {
  const csrs = await requestsFor(identifier, keys);
  const clients = await Clients.open(server.target, connections);
  return {
    name: server.name,
    session: server.session,
    wake: () => clients.wake(),
    run: (milliseconds) => clients.run(identifier, csrs, milliseconds, responder),
    stop: async () => {
      clients.close();
      await server.stop();
    },
  };
}

/** How many requests an order takes whose names are vouched for. */
const requestsOfOrder = 4;

/** A bare fastify over TLS: four answers for an order, each as long as a real one. */
async function bareServer({ data, target }: AcmeServer & { readonly data: string }): Promise<Contender> {
  const child = await startEcho(data, JSON.stringify({ answer: 'x'.repeat(600) }));
  const at = { host: '127.0.0.1', port: child.port, ca: target.ca, servername: 'localhost' };
  const body = JSON.stringify({ request: 'x'.repeat(700) });
  const load = new Load(at, connections, '/v1/certificates', [body], 'application/jose+json');
  return {
    name: 'a bare fastify over TLS, as many requests',
    session: child.process.pid ?? 0,
    wake: () => load.wake(),
    run: async (milliseconds) => {
      const orders = Math.max(connections, milliseconds / 4);
      const { answers, milliseconds: taken } = await load.run(orders * requestsOfOrder);
      return { orders, requests: answers, milliseconds: taken };
    },
    stop: async () => {
      load.close();
      await stopServer(child.process);
    },
  };
}

/** Gives everybody a turn in each round. */
async function compare(
  contenders: readonly Contender[],
  { rounds, milliseconds }: MeasureOptions,
): Promise<ReadonlyMap<string, readonly Turn[]>> {
  const turns = new Map<string, Turn[]>(contenders.map(({ name }) => [name, []]));
  try {
    // The first round is for warming up.
    for (let round = -1; round < rounds; round += 1) {
      for (const one of contenders) {
        const turn = await turnOf(one, milliseconds * 10);
        if (round >= 0) turns.get(one.name)?.push(turn);
      }
    }
  } finally {
    for (const one of contenders) await one.stop();
  }
  return turns;
}

async function turnOf(one: Contender, forMs: number): Promise<Turn> {
  await one.wake();
  const before = { server: sessionCost(one.session).cpuMs, load: process.cpuUsage() };
  const { orders, requests, milliseconds } = await one.run(forMs);
  const { user, system } = process.cpuUsage(before.load);
  return {
    perSecond: (orders * 1000) / milliseconds,
    server: ((sessionCost(one.session).cpuMs - before.server) * 1000) / orders,
    client: (user + system) / orders,
    requests: requests / orders,
  };
}

function rowsOf(turns: ReadonlyMap<string, readonly Turn[]>): readonly Row[] {
  const own = turns.get('countersign') ?? [];
  return [...turns].map(([name, all]) => {
    const of = (pick: (one: Turn) => number): number => median(all.map(pick));
    const ratios = all.map(({ server }, i) => server / (own[i]?.server ?? Number.NaN));
    return {
      name,
      columns: {
        'orders per second': Math.round(of((one) => one.perSecond)).toLocaleString('en-US'),
        'CPU of the server': `${significant(of((one) => one.server))} µs`,
        'CPU of the load': `${significant(of((one) => one.client))} µs`,
        'requests per order': significant(of((one) => one.requests)),
        'times countersign': significant(median(ratios)),
      },
    };
  });
}

function atLeast(wanted: number, turns: ReadonlyMap<string, readonly Turn[]>): Result['claims'][number] {
  const perSecond = median((turns.get('countersign') ?? []).map((one) => one.perSecond));
  return {
    words: `at least ${wanted} orders a second on two cores, load generator included: ${Math.round(perSecond)}`,
    held: perSecond >= wanted,
  };
}
