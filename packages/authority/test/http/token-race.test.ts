import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { describe, it } from 'node:test';
import { temporaryFolder, withoutPostgres } from '@countersign/testkit';
import { initAuthority, startAuthority } from '../../src/index.ts';
import type { DatabaseSettings, RunningAuthority } from '../../src/index.ts';
import { call, local } from '../support/client.ts';
import { passphrase, rootPassphrase } from '../support/folder.ts';
import { newRequest } from '../support/keys.ts';
import { freshSchema } from '../support/stores.ts';

/** How many redeem one token at once: COUNTERSIGN_RACE=10000 for all that the promise names. */
const redemptions = Number(process.env['COUNTERSIGN_RACE'] ?? 1000);
const connections = 100;

/** Redeems a token over kept-alive connections; what each redemption was told: `ok`, or a code. */
async function redeem(node: RunningAuthority, ca: string, token: string, count: number): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca });
  const { csr } = await newRequest();
  const body = JSON.stringify({ csr });
  const url = `https://${node.listen.authority}/v1/enroll`;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const one = async (): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const outgoing = request(url, { method: 'POST', agent, headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => resolve(incoming.statusCode === 200 ? 'ok' : String(JSON.parse(text).code)));
    });
    outgoing.once('error', reject).end(body);
    return promise;
  };
  const told = await Promise.all(Array.from({ length: count }, one));
  agent.destroy();
  return told;
}

/** Starts nodes on copies of one folder and lets all of them redeem one token. */
async function race(nodeCount: number, database?: DatabaseSettings): Promise<void> {
  using folder = temporaryFolder('countersign-race-');
  const made = database === undefined ? {} : { database };
  await initAuthority(folder.in('0'), { passphrase, rootPassphrase, ...made });
  for (let i = 1; i < nodeCount; i += 1) cpSync(folder.in('0'), folder.in(String(i)), { recursive: true });
  const quiet = { passphrase, listen: '127.0.0.1:0', http: '127.0.0.1:0', logLevel: 'silent' };
  const nodes = await Promise.all(
    Array.from({ length: nodeCount }, (_, i) => startAuthority({ dataDir: folder.in(String(i)), ...quiet })),
  );
  try {
    const [first] = nodes;
    assert.ok(first);
    const ca = readFileSync(folder.in('0', 'ca', 'root.crt'), 'utf8');
    const { body } = await call(local(first), 'POST', '/v1/tokens', { name: 'raced', profile: 'client' });
    const told = await Promise.all(nodes.map((node) => redeem(node, ca, body.token, redemptions / nodes.length)));
    const counts = Map.groupBy(told.flat(), (code) => code);
    assert.equal(counts.get('ok')?.length, 1);
    assert.equal(counts.get('token_used')?.length, redemptions - 1);
    for (const node of nodes) {
      const { certificates } = (await call(local(node), 'GET', '/v1/certificates?name=raced')).body;
      assert.equal(certificates.length, 1);
    }
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
}

describe('of any number of redemptions of one token at once exactly one gets a certificate', () => {
  it('from one node over SQLite', () => race(1));
  it('from two nodes over PostgreSQL', { skip: withoutPostgres }, async () =>
    race(2, { postgres: await freshSchema() }),
  );
});
