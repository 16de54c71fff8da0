// kill -9 amid a load of ACME orders: what clients were told holds, nothing is issued twice, nothing stays open.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { parseCertificate, pemDecode } from '@countersign/pki';
import {
  AcmeTestClient,
  eventually,
  serveDns,
  serveHttp,
  temporaryFolder,
  withoutPostgres,
} from '@countersign/testkit';
import type { AcmeResponse, ExternalKey } from '@countersign/testkit';
import { generateKeyPair } from '@countersign/trust';
import { initAuthority, startAuthority } from '../../src/index.ts';
import type { DatabaseSettings } from '../../src/index.ts';
import { openPostgresStore } from '../../src/adapters/postgres/store.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/store.ts';
import type { AcmeOrder } from '../../src/domain/acme/records.ts';
import { afterlifeMs, orderLifetimeMs } from '../../src/domain/acme/orders.ts';
import { findAuditBreak } from '../../src/domain/audit.ts';
import { keyHashOf } from '../../src/domain/ca.ts';
import type { Store } from '../../src/domain/ports.ts';
import { acmeCsr, dns, problemType } from '../support/acme.ts';
import { call } from '../support/client.ts';
import { passphrase, rootPassphrase } from '../support/folder.ts';
import { KilledNode, openQuickly, seededInt } from '../support/killed-nodes.ts';
import { freshSchema } from '../support/stores.ts';

const lanes = 16;

/** What a client does with an order. */
const plans = ['vouched', 'challenged', 'vouched', 'challenged', 'left', 'denied', 'never'] as const;
type Plan = (typeof plans)[number];

/** What a client was told of an order of its own. */
interface Told {
  readonly plan: Plan;
  status: string;
  /** Of the key in the request, where it was finalized. */
  spkiSha256?: string;
  chain?: string;
}

const ranks: Readonly<Record<string, number>> = { pending: 0, ready: 1, valid: 2 };

/** Everything that the load is about. */
class Load {
  readonly #nodes: readonly KilledNode[];
  readonly #int: (from: number, to: number) => number;
  readonly #gaps: number[];
  readonly told = new Map<string, Told>();
  readonly #answers = new Map<string, string>();

  constructor(nodes: readonly KilledNode[], int: (from: number, to: number) => number, gaps: number[]) {
    this.#nodes = nodes;
    this.#int = int;
    this.#gaps = gaps;
  }

  /** How many kills are still to come. */
  get outstanding(): number {
    return this.#gaps.length;
  }

  /** Something has happened: the next kill may be due. */
  moment(): void {
    const [gap] = this.#gaps;
    if (gap === undefined) return;
    this.#gaps[0] = gap - 1;
    if (gap > 1) return;
    const up = this.#nodes.filter((node) => node.up);
    if (up.length === 0) return;
    this.#gaps.shift();
    up[this.#int(0, up.length)]?.killAndStart();
  }

  readonly respond = (path: string): string | undefined => {
    this.moment();
    return this.#answers.get(path.split('/').at(-1) ?? '');
  };

  /** Asks one of the nodes until one answers; a nonce of a process that is gone is refused once. */
  async ask(client: AcmeTestClient, url: string, payload?: object): Promise<AcmeResponse> {
    for (let lost = 0; ;) {
      const node = this.#nodes[this.#int(0, this.#nodes.length)] ?? assert.fail();
      const { kills } = node;
      await node.back();
      const there = (elsewhere: string): string => elsewhere.replace(/\/\/[^/]+\//u, `//${node.enroll}/`);
      try {
        client.directory.newNonce = there(client.directory.newNonce);
        const asked = client.post(there(url), payload);
        this.moment();
        const answer = await asked;
        this.moment();
        if (problemType(answer) !== 'badNonce') return answer;
      } catch (error) {
        // A kept connection may be closed just as it is used again (RFC 9112, section 9.3.1); a node that is gone is so for each try.
        if (node.kills === kills && ++lost > 2) throw error;
      }
    }
  }

  /** What a client hears of an order never takes back what it has heard before. */
  #hear(url: string, { status, body }: AcmeResponse): Told {
    const told = this.told.get(new URL(url).pathname) ?? assert.fail(url);
    assert.equal(status, 200, `${url} ${JSON.stringify(body)}`);
    if (told.plan !== 'denied') {
      assert.ok((ranks[body.status] ?? -1) >= (ranks[told.status] ?? 0), `${url}: ${told.status}, then ${body.status}`);
    }
    told.status = body.status;
    return told;
  }

  async order(client: AcmeTestClient, name: string, plan: Plan): Promise<void> {
    const made = await this.ask(client, client.directory.newOrder, { identifiers: [dns(name)] });
    assert.equal(made.status, 201, made.text);
    const url = made.headers.location ?? '';
    this.told.set(new URL(url).pathname, { plan, status: made.body.status });
    if (plan === 'never') return;
    if (plan !== 'vouched') {
      const authorization = await this.ask(client, made.body.authorizations[0]);
      const challenge = authorization.body.challenges.find((one: { type: string }) => one.type === 'http-01');
      if (plan !== 'denied') this.#answers.set(challenge.token, client.keyAuthorization(challenge.token));
      assert.equal((await this.ask(client, challenge.url, {})).status, 200);
      if (plan === 'left') return;
      await eventually(`${url} is settled`, 50_000, async () => {
        return this.#hear(url, await this.ask(client, url)).status !== 'pending';
      });
      if (plan === 'denied') return;
    }
    const key = await generateKeyPair('p256');
    const csr = await acmeCsr([dns(name)], undefined, key);
    const final = await this.ask(client, made.body.finalize, { csr });
    // It may have been finalized by the process that died before it told so.
    if (problemType(final) !== 'orderNotReady') this.#hear(url, final);
    const order = await this.ask(client, url);
    const told = this.#hear(url, order);
    assert.equal(told.status, 'valid', order.text);
    told.spkiSha256 = keyHashOf(key.spki);
    told.chain = (await this.ask(client, order.body.certificate)).text;
  }
}

async function certificatesOf(
  store: Store,
): Promise<readonly { serial: string; issuer: string; spkiSha256: string }[]> {
  const all = [];
  for (let afterId = 0; ;) {
    const page = await store.listCertificates({ afterId, limit: 500 }, 0);
    all.push(...page.filter(({ name }) => name.endsWith('.test')));
    const last = page.at(-1);
    if (last === undefined) return all;
    afterId = last.id;
  }
}

/** That the store has what clients were told, and nothing that they could not be told. */
async function check(store: Store, told: ReadonlyMap<string, Told>): Promise<void> {
  const certificates = await certificatesOf(store);
  const byKey = Map.groupBy(certificates, ({ spkiSha256 }) => spkiSha256);
  assert.deepEqual(
    [...byKey.values()].filter((same) => same.length > 1),
    [],
    'no key has two certificates',
  );
  const holders: AcmeOrder[] = [];
  for (const certificate of certificates) {
    const order = await store.acmeOrderOfCertificate(certificate);
    assert.ok(order, `certificate ${certificate.serial} belongs to an order`);
    holders.push(order);
  }
  assert.equal(new Set(holders.map(({ id }) => id)).size, certificates.length, 'no order has two certificates');
  const expected: Record<Plan, string> = {
    vouched: 'valid',
    challenged: 'valid',
    left: 'ready',
    denied: 'invalid',
    never: 'pending',
  };
  for (const [path, { plan, spkiSha256, chain }] of told) {
    const order = await store.acmeOrder(path.split('/').at(-1) ?? '');
    assert.equal(order?.status, expected[plan], `${path} (${plan})`);
    const challenges = order?.authorizations.flatMap((one) => one.challenges) ?? [];
    assert.ok(
      challenges.every(({ status }) => status !== 'processing'),
      `${path}: a challenge was left open`,
    );
    if (chain === undefined) continue;
    const { certificate: id } = order ?? {};
    const stored = id && (await store.certificate(id.issuer, id.serial));
    assert.equal(stored?.spkiSha256, spkiSha256);
    const [leaf] = pemDecode(chain);
    assert.deepEqual(leaf?.der, Uint8Array.from(stored?.der ?? []));
    assert.equal(parseCertificate(leaf?.der ?? new Uint8Array()).serialHex, id?.serial);
  }
  assert.equal(await findAuditBreak(store), undefined);
  const issued = [];
  for (let seq = 0; ;) {
    const page = await store.auditAfter(seq, 500);
    issued.push(...page.filter(({ action, actor }) => action === 'certificate.issued' && actor.kind === 'acme'));
    const last = page.at(-1);
    if (last === undefined) break;
    ({ seq } = last);
  }
  assert.equal(issued.length, certificates.length, 'each is in the audit log once');
}

async function killed(t: TestContext, orders: number, kills: number, nodeCount: number, database?: DatabaseSettings) {
  const seed = Number(process.env['COUNTERSIGN_SEED'] ?? randomInt(2 ** 31));
  t.diagnostic(`COUNTERSIGN_SEED=${seed}`);
  const int = seededInt(seed);
  using folder = temporaryFolder('countersign-killed-');
  const data = (i: number): string => folder.in(String(i));
  const made = database === undefined ? {} : { database };
  await initAuthority(data(0), { passphrase, rootPassphrase, crlPartitions: 4, ...made });
  await openQuickly(data(0));
  for (let i = 1; i < nodeCount; i += 1) cpSync(data(0), data(i), { recursive: true });
  const ca = readFileSync(folder.in('0', 'ca', 'root.crt'), 'utf8');
  await using names = await serveDns();
  await using web = await serveHttp((request, response) => {
    const answer = load.respond(request.url ?? '');
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  const acme = { validation: { allow: ['127.0.0.0/8'], ports: { http: web.port }, resolver: [names.address] } };
  await using stack = new AsyncDisposableStack();
  const nodes = await Promise.all(
    Array.from({ length: nodeCount }, (_, i) => stack.use(new KilledNode({ dataDir: data(i), acme })).start()),
  );
  // An order is at least eight moments long, save for those that clients leave.
  const load = new Load(
    nodes,
    int,
    Array.from({ length: kills }, () => int(10, Math.floor((orders * 6) / kills))),
  );

  const [first] = nodes;
  assert.ok(first);
  const vouching = { name: 'vouched', preauthorized: ['dns:.vouched.test'] };
  const external = (await call({ socketPath: first.admin }, 'POST', '/v1/acme-keys', vouching)).body as ExternalKey;
  const clients = await Promise.all(
    Array.from({ length: lanes }, async () => {
      const client = async (key?: ExternalKey): Promise<AcmeTestClient> => {
        const one = stack.use(await new AcmeTestClient(`https://${first.enroll}/acme/directory`, ca).open());
        assert.equal((await one.register({}, key)).status, 201);
        return one;
      };
      return { own: await client(), bound: await client(external) };
    }),
  );
  let placed = 0;
  await Promise.all(
    clients.map(async ({ own, bound }) => {
      while (placed < orders) {
        const plan = plans[placed % plans.length] ?? 'never';
        const name = `n${placed}.${plan}.test`;
        placed += 1;
        names.set(name, { addresses: ['127.0.0.1'] });
        await load.order(plan === 'vouched' ? bound : own, name, plan);
      }
    }),
  );
  await Promise.all(nodes.map((node) => node.back()));
  assert.equal(load.outstanding, 0, 'every kill has taken place');

  const store = await (database === undefined
    ? openSqliteStore(folder.in('0', 'authority.sqlite'))
    : openPostgresStore(database.postgres));
  try {
    // Nobody asks for them any more: the authority ends by itself what it has begun.
    await eventually('every validation has ended', 50_000, async () => {
      const open = await store.acmeUnattended(Number.MAX_SAFE_INTEGER, undefined, 1);
      return open.length === 0;
    });
    await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    await check(store, load.told);
    // Two days later there is no trace of what came to nothing.
    const later = Date.now() + orderLifetimeMs + afterlifeMs + 60_000;
    const quiet = { listen: '127.0.0.1:0', http: '127.0.0.1:0', publicHttp: 'http://ca.test', logLevel: 'silent' };
    const start = { dataDir: data(0), passphrase, enroll: '127.0.0.1:0', acme, clock: () => later, ...quiet };
    await (await startAuthority(start)).close();
    for (const [path, { chain }] of load.told) {
      const order = await store.acmeOrder(path.split('/').at(-1) ?? '');
      assert.equal(order !== undefined, chain !== undefined, path);
    }
  } finally {
    await store.close();
  }
}

describe('kill -9 amid ACME orders: none is lost, none is issued twice, no challenge stays open', () => {
  const bound = { timeout: 300_000 };
  it('one node over SQLite', bound, (t) => killed(t, 300, 12, 1));
  it('two nodes over PostgreSQL', { skip: withoutPostgres, ...bound }, async (t) =>
    killed(t, 120, 5, 2, { postgres: await freshSchema() }),
  );
});
