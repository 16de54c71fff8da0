import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { describe, it } from 'node:test';
import { processEventSchema } from '@countersign/protocol';
import type { Listen, ProcessEvent } from '@countersign/protocol';
import { authorityProcess, startAuthority } from '../../src/index.ts';
import { call, local } from '../support/client.ts';
import { authorityFolder, passphrase } from '../support/folder.ts';
import { newRequest } from '../support/keys.ts';
import { findAuditBreak } from '../../src/domain/audit.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/store.ts';
import { join } from 'node:path';

function start(dataDir: string, given = passphrase): ChildProcess {
  const child = fork(authorityProcess, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const options = { dataDir, passphrase: given, listen: '127.0.0.1:0', http: '127.0.0.1:0', logLevel: 'silent' };
  child.send({ command: 'start', options });
  return child;
}

async function firstEvent(child: ChildProcess): Promise<ProcessEvent> {
  const [message] = (await once(child, 'message')) as [unknown];
  return processEventSchema.parse(message);
}

async function listening(child: ChildProcess): Promise<Listen & { admin: string }> {
  const event = await firstEvent(child);
  assert.ok(event.event === 'listening', JSON.stringify(event));
  assert.equal(event.pid, child.pid);
  const { admin = '' } = event.listen;
  return { ...event.listen, admin };
}

async function exitOf(child: ChildProcess): Promise<readonly [number | null, string | null]> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return [code, signal];
}

describe('the authority as a process', () => {
  it('tells why it cannot start, and ends', async () => {
    using folder = await authorityFolder();
    const child = start(folder.data, 'wrong');
    const exit = exitOf(child);
    const event = await firstEvent(child);
    assert.ok(event.event === 'failed');
    assert.deepEqual([event.code, event.retry], ['wrong_passphrase', false]);
    assert.deepEqual(await exit, [1, null]);
  });

  it('ends by itself when its supervisor is gone', async () => {
    using folder = await authorityFolder();
    const child = start(folder.data);
    await listening(child);
    const exit = exitOf(child);
    child.disconnect();
    assert.deepEqual(await exit, [0, null]);
  });

  it('answers everything it has accepted before SIGTERM ends it', async () => {
    using folder = await authorityFolder();
    const child = start(folder.data);
    const { admin } = await listening(child);
    const requests = await Promise.all(Array.from({ length: 40 }, () => newRequest()));
    const answers = requests.map(({ csr }, i) =>
      call({ socketPath: admin }, 'POST', '/v1/certificates', { name: `n${i}`, profile: 'client', csr }),
    );
    // The first answer shows that the others are under way.
    await Promise.race(answers);
    const exit = exitOf(child);
    child.kill('SIGTERM');
    const settled = await Promise.allSettled(answers);
    for (const one of settled) if (one.status === 'fulfilled') assert.equal(one.value.status, 200);
    const refused = settled.filter((one) => one.status === 'rejected' && String(one.reason).includes('ECONNRESET'));
    assert.deepEqual(refused, []);
    assert.deepEqual(await exit, [0, null]);
  });

  it('loses no certificate that a client has received, wherever kill -9 strikes among 1,000 issuances', async () => {
    using folder = await authorityFolder();
    const received = new Map<string, string>();
    const { csr } = await newRequest();
    let sent = 0;
    // Three lives, each ended at another moment of a busy stream.
    for (const lifetime of [150, 400]) {
      const child = start(folder.data);
      const { admin } = await listening(child);
      const agent = new Agent({ keepAlive: true, maxSockets: 16 });
      const exit = exitOf(child);
      const goal = sent + lifetime;
      let alive = true;
      const client = async (): Promise<void> => {
        while (alive && sent < 1000) {
          sent += 1;
          const issued = await issueOver(agent, admin, `n${sent}`, csr).catch(() => undefined);
          if (issued === undefined) return;
          received.set(issued.serial, issued.certificate);
          if (received.size >= goal && alive) {
            alive = false;
            child.kill('SIGKILL');
          }
        }
      };
      await Promise.all(Array.from({ length: 16 }, client));
      assert.deepEqual(await exit, [null, 'SIGKILL']);
      agent.destroy();
    }
    const again = await startAuthority({
      dataDir: folder.data,
      passphrase,
      listen: '127.0.0.1:0',
      http: '127.0.0.1:0',
      logLevel: 'silent',
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    while (sent < 1000) {
      sent += 1;
      const issued = await issueOver(agent, again.listen.admin, `n${sent}`, csr);
      received.set(issued.serial, issued.certificate);
    }
    agent.destroy();
    const stored = new Set<string>();
    for (let cursor: string | undefined = '0'; cursor !== undefined;) {
      const { body } = await call(local(again), 'GET', `/v1/certificates?limit=1000&cursor=${cursor}`);
      for (const { serial } of body.certificates) stored.add(serial);
      cursor = body.next;
    }
    await again.close();
    assert.ok(received.size > 800, `${received.size} certificates were received`);
    assert.deepEqual(
      [...received.keys()].filter((serial) => !stored.has(serial)),
      [],
    );
    const store = openSqliteStore(join(folder.data, 'authority.sqlite'));
    assert.equal(await findAuditBreak(store), undefined);
    await store.close();
  });
});

/** One issuance over a kept-alive connection to the local socket. */
async function issueOver(
  agent: Agent,
  socketPath: string,
  name: string,
  csr: string,
): Promise<{ serial: string; certificate: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ serial: string; certificate: string }>();
  const headers = { 'content-type': 'application/json' };
  const outgoing = request({ agent, socketPath, method: 'POST', path: '/v1/certificates', headers }, (incoming) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (chunk: string) => (text += chunk));
    incoming.on('error', reject);
    incoming.on('end', () => {
      if (incoming.statusCode === 200 && incoming.complete) resolve(JSON.parse(text));
      else reject(new Error(text));
    });
  });
  outgoing.on('error', reject);
  outgoing.end(JSON.stringify({ name, profile: 'client', csr }));
  return promise;
}
