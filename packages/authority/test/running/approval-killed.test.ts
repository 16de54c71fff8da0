// kill -9 amid requests that wait and administrators who decide: none is lost, none is issued twice, none is both approved and denied.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { cpSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { parseCertificate, pemDecode } from '@countersign/pki';
import { temporaryFolder, withoutPostgres } from '@countersign/testkit';
import { generateKeyPair } from '@countersign/trust';
import { openPostgresStore } from '../../src/adapters/postgres/store.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/store.ts';
import { findAuditBreak } from '../../src/domain/audit.ts';
import type { Store, StoredAudit, StoredCertificate } from '../../src/domain/ports.ts';
import { initAuthority } from '../../src/index.ts';
import type { DatabaseSettings } from '../../src/index.ts';
import { call } from '../support/client.ts';
import type { Answer } from '../support/client.ts';
import { passphrase, rootPassphrase } from '../support/folder.ts';
import { csrOf } from '../support/keys.ts';
import { KilledNode, openQuickly, seededInt } from '../support/killed-nodes.ts';
import { freshSchema } from '../support/stores.ts';

const lanes = 8;

/** What becomes of a request: two administrators approve it, one approves and one denies, nobody looks at it. */
const plans = ['approved', 'disputed', 'left'] as const;

/** What somebody was told of his request. */
interface Told {
  readonly plan: (typeof plans)[number];
  readonly bearer: Record<string, string>;
  readonly csr: string;
  outcome: 'waiting' | 'approved' | 'denied';
  serial?: string;
}

class Load {
  readonly #nodes: readonly KilledNode[];
  readonly #int: (from: number, to: number) => number;
  readonly #gaps: number[];
  readonly told = new Map<string, Told>();

  constructor(nodes: readonly KilledNode[], int: (from: number, to: number) => number, gaps: number[]) {
    this.#nodes = nodes;
    this.#int = int;
    this.#gaps = gaps;
  }

  get outstanding(): number {
    return this.#gaps.length;
  }

  /** Something has happened: the next kill may be due. */
  #moment(): void {
    const [gap] = this.#gaps;
    if (gap === undefined) return;
    this.#gaps[0] = gap - 1;
    if (gap > 1) return;
    const up = this.#nodes.filter((node) => node.up);
    if (up.length === 0) return;
    this.#gaps.shift();
    up[this.#int(0, up.length)]?.killAndStart();
  }

  /** Asks one of the nodes until one answers. */
  async ask(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer> {
    for (;;) {
      const node = this.#nodes[this.#int(0, this.#nodes.length)] ?? assert.fail();
      const { kills } = node;
      await node.back();
      try {
        const asked = call({ socketPath: node.admin }, method, path, body, headers);
        this.#moment();
        const answer = await asked;
        this.#moment();
        return answer;
      } catch (error) {
        if (node.kills === kills) throw error;
      }
    }
  }

  async request(name: string, plan: Told['plan']): Promise<void> {
    const made = await this.ask('POST', '/v1/tokens', { name, profile: 'device' });
    assert.equal(made.status, 200, made.text);
    const bearer = { authorization: `Bearer ${made.body.token}` };
    const csr = await csrOf(await generateKeyPair('p256'));
    const waits = await this.ask('POST', '/v1/enroll', { csr }, bearer);
    assert.equal(waits.status, 202, waits.text);
    const { request: id } = waits.body;
    this.told.set(id, { plan, bearer, csr, outcome: 'waiting' });
    if (plan !== 'left') await this.decide(id, plan);
  }

  /** Two administrators at once; whoever holds the request then asks what has come of it, both ways. */
  async decide(id: string, plan: Told['plan']): Promise<void> {
    const told = this.told.get(id) ?? assert.fail(id);
    const other = plan === 'disputed' ? 'denials' : 'approvals';
    const decisions = await Promise.all([
      this.ask('POST', '/v1/requests/approvals', { id }),
      this.ask('POST', `/v1/requests/${other}`, other === 'denials' ? { id, reason: 'no' } : { id }),
    ]);
    const said = decisions.map(({ status, body }) => (status === 200 ? 'ok' : body.code));
    // The decision of a process that was killed may stand without having been told.
    assert.ok(said.filter((one) => one === 'ok').length <= 1, `${id}: ${said.join()}`);
    assert.ok(
      said.every((one) => one === 'ok' || one === 'request_decided'),
      `${id}: ${said.join()}`,
    );
    const polled = await this.ask('GET', `/v1/enroll/${id}`, undefined, told.bearer);
    const again = await this.ask('POST', '/v1/enroll', { csr: told.csr }, told.bearer);
    assert.equal(again.status, polled.status, `${polled.text} ${again.text}`);
    if (polled.status === 403) {
      assert.equal(polled.body.code, 'request_denied', polled.text);
      told.outcome = 'denied';
      return;
    }
    assert.equal(polled.status, 200, polled.text);
    assert.equal(again.body.serial, polled.body.serial);
    const [first] = decisions;
    if (first.status === 200) assert.equal(first.body.serial, polled.body.serial);
    told.outcome = 'approved';
    told.serial = parseCertificate(pemDecode(polled.body.certificate)[0]?.der ?? assert.fail()).serialHex;
  }
}

async function everything(store: Store): Promise<{ certificates: StoredCertificate[]; audit: StoredAudit[] }> {
  const certificates: StoredCertificate[] = [];
  for (let afterId = 0; ;) {
    const page = await store.listCertificates({ afterId, limit: 500 }, 0);
    certificates.push(...page.filter(({ name }) => name.startsWith('waits-')));
    if (page.length < 500) break;
    afterId = page.at(-1)?.id ?? 0;
  }
  const audit: StoredAudit[] = [];
  for (let seq = 0; ;) {
    const page = await store.auditAfter(seq, 500);
    audit.push(...page);
    if (page.length < 500) break;
    seq = page.at(-1)?.seq ?? 0;
  }
  return { certificates, audit };
}

async function check(store: Store, told: ReadonlyMap<string, Told>): Promise<void> {
  const { certificates, audit } = await everything(store);
  const bySerial = new Map(certificates.map((one) => [one.serial, one]));
  assert.equal(new Set(certificates.map(({ spkiSha256 }) => spkiSha256)).size, certificates.length, 'one for each key');
  const approved = [...told].filter(([, { outcome }]) => outcome === 'approved');
  assert.equal(certificates.length, approved.length, 'one for each approval, and none besides');
  for (const [id, { outcome, serial }] of told) {
    const request = await store.request(id);
    assert.equal(request?.status, outcome === 'waiting' ? 'pending' : outcome, id);
    assert.equal(request?.certificate?.serial, serial, id);
    if (serial !== undefined) assert.equal(bySerial.get(serial)?.spkiSha256, request?.spkiSha256, id);
  }
  const count = (action: string): number => audit.filter((one) => one.action === action).length;
  assert.equal(count('request.created'), told.size);
  assert.equal(count('request.approved'), approved.length);
  assert.equal(count('token.redeemed'), approved.length);
  assert.equal(count('request.denied'), [...told].filter(([, { outcome }]) => outcome === 'denied').length);
  assert.equal(await findAuditBreak(store), undefined);
}

async function killed(t: TestContext, requests: number, kills: number, nodeCount: number, database?: DatabaseSettings) {
  const seed = Number(process.env['COUNTERSIGN_SEED'] ?? randomInt(2 ** 31));
  t.diagnostic(`COUNTERSIGN_SEED=${seed}`);
  const int = seededInt(seed);
  using folder = temporaryFolder('countersign-killed-');
  const data = (i: number): string => folder.in(String(i));
  const made = database === undefined ? {} : { database };
  await initAuthority(data(0), { passphrase, rootPassphrase, crlPartitions: 4, ...made });
  await openQuickly(data(0));
  for (let i = 1; i < nodeCount; i += 1) cpSync(data(0), data(i), { recursive: true });
  const profiles = { device: { approval: 'required' } };
  await using stack = new AsyncDisposableStack();
  const nodes = await Promise.all(
    Array.from({ length: nodeCount }, (_, i) => stack.use(new KilledNode({ dataDir: data(i), profiles })).start()),
  );
  // A request is at least four moments long.
  const gaps = Array.from({ length: kills }, () => int(4, Math.floor((requests * 4) / kills)));
  const load = new Load(nodes, int, gaps);
  let placed = 0;
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (placed < requests) {
        const plan = plans[placed % plans.length] ?? 'left';
        placed += 1;
        await load.request(`waits-${placed}`, plan);
      }
    }),
  );
  await Promise.all(nodes.map((node) => node.back()));
  assert.equal(load.outstanding, 0, 'every kill has taken place');
  const store = await (database === undefined
    ? openSqliteStore(folder.in('0', 'authority.sqlite'))
    : openPostgresStore(database.postgres));
  try {
    await check(store, load.told);
    // What nobody has looked at waits on, and is approved like any other.
    for (const [id, { outcome, plan }] of load.told) if (outcome === 'waiting') await load.decide(id, plan);
    await check(store, load.told);
  } finally {
    await store.close();
  }
}

describe('kill -9 amid requests that wait for an administrator: none is lost, none is issued twice', () => {
  const bound = { timeout: 180_000 };
  it('one node over SQLite', bound, (t) => killed(t, 60, 4, 1));
  it('two nodes over PostgreSQL', { skip: withoutPostgres, ...bound }, async (t) =>
    killed(t, 40, 3, 2, { postgres: await freshSchema() }),
  );
});
