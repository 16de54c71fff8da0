// Processes that end in the midst of work: nothing that anybody was given is lost, and nobody who is connected notices.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { requestKey } from '@countersign/sdk';
import {
  curl,
  eventually,
  getRequest,
  type Product,
  rawConnection,
  startProduct,
  startUpstream,
  tlsOptions,
  type Upstream,
  without,
} from '@countersign/testkit';

const issuances = 1000;
const kills = 3;
let upstream: Upstream;
let product: Product;

before(async () => {
  upstream = await startUpstream((request, response) => {
    // Slow enough that whatever happens finds requests under way.
    setTimeout(() => response.end('answered'), request.url === '/slow' ? 1500 : 20);
  });
  product = await startProduct({ upstream: upstream.url, args: ['--workers', '2'] });
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

async function pids(role: string): Promise<readonly number[]> {
  return (await product.processes()).filter((one) => one.role === role).map(({ pid }) => pid);
}

/** One certificate over the authority's local socket: its serial number, once the whole answer is here. */
async function issue(agent: Agent, name: string, csr: string): Promise<string> {
  const socketPath = join(product.data, 'run/admin.sock');
  const headers = { 'content-type': 'application/json' };
  const call = request({ agent, socketPath, method: 'POST', path: '/v1/certificates', headers });
  call.end(JSON.stringify({ name, profile: 'client', csr }));
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  assert.equal(response.statusCode, 200, text);
  return (JSON.parse(text) as { serial: string }).serial;
}

test(
  'kill -9 of the authority amid 1,000 issuances loses no certificate that a client received; the gateway goes on',
  { skip: without('curl') },
  async (t: TestContext) => {
    const { csr } = await requestKey('p256', 'whoever');
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const received = new Set<string>();
    const moments = Array.from({ length: kills }, (_, part) => {
      const share = Math.floor(issuances / (kills + 1));
      return part * share + randomInt(20, share);
    });
    t.diagnostic(`killed after ${moments.join(', ')} certificates`);
    const pending = [...moments];
    let victim = (await pids('authority'))[0] ?? 0;
    let sent = 0;
    let back: Promise<void> | undefined;
    const killAndAwait = async (): Promise<void> => {
      const killed = victim;
      process.kill(killed, 'SIGKILL');
      // Meanwhile clients are served, and whoever looks after the gateway can see how long it has heard nothing.
      const { body } = await curl(`http://${product.ready.admin}/metrics`);
      assert.match(body, /^countersign_gateway_feed_lag_seconds(?:\{.*\})? \d/mu);
      assert.equal((await curl(`https://localhost:${product.port('gateway')}/`, product.client('demo'))).status, 200);
      victim = await eventually('the authority is back', 60_000, async () => {
        const [pid] = await pids('authority');
        return pid === undefined || pid === killed ? undefined : pid;
      });
    };
    const client = async (): Promise<void> => {
      while (sent < issuances) {
        sent += 1;
        // What fails while nobody is there was never received; a client would ask again, with the next one.
        const serial = await issue(agent, `n${sent}`, csr).catch(() => undefined);
        if (serial !== undefined) received.add(serial);
        const moment = pending[0];
        if (moment !== undefined && received.size >= moment) {
          pending.shift();
          back = killAndAwait();
        }
        if (serial === undefined) {
          sent -= 1;
          await back;
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, client));
    await back;
    agent.destroy();
    assert.deepEqual(pending, [], 'every kill has taken place');
    assert.ok(received.size >= issuances, `${received.size} certificates were received`);
    const listed = await product.json('list');
    const stored = new Set(listed.map(({ serial }) => serial));
    assert.deepEqual(
      [...received].filter((serial) => !stored.has(serial)),
      [],
    );
  },
);

/** Connects, asks, reads to the end, again and again until told to stop; whatever went wrong on the way. */
function load(lanes: number): { stop(): Promise<{ answered: number; lost: readonly string[] }> } {
  const going = new AbortController();
  let answered = 0;
  const lost: string[] = [];
  const options = tlsOptions(product.port('gateway'), product.client('demo'));
  const lane = async (): Promise<void> => {
    while (!going.signal.aborted) {
      try {
        using connection = await rawConnection(options);
        await connection.ask(getRequest.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'), /answered$/u);
        answered += 1;
      } catch (error) {
        lost.push(String(error));
      }
    }
  };
  const all = Array.from({ length: lanes }, lane);
  return {
    stop: async () => {
      going.abort();
      await Promise.all(all);
      return { answered, lost };
    },
  };
}

/** A TCP connection that says nothing before it is told to: whether it was accepted is the kernel's secret. */
function connectSoon(): { finish(): Promise<string> } {
  const socket = connect({
    ...tlsOptions(product.port('gateway'), product.client('demo')),
    ALPNProtocols: ['http/1.1'],
  });
  let text = '';
  let failure: Error | undefined;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', (error) => (failure = error));
  const closed = once(socket, 'close');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  return {
    finish: async () => {
      await closed.catch(() => undefined);
      return failure === undefined ? text : String(failure);
    },
  };
}

test('replacing a worker resets no connection, not even one that is not accepted yet', async () => {
  const running = load(4);
  for (const victim of await pids('worker')) {
    const options = tlsOptions(product.port('gateway'), product.client('demo'));
    const slow = await Promise.all(Array.from({ length: 8 }, () => rawConnection(options)));
    const answers = slow.map((one) => one.ask('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n', /answered$/u));
    // More than a worker accepts in one turn: some wait in the kernel's queue when the signal comes.
    const crowd = Array.from({ length: 60 }, connectSoon);
    process.kill(victim, 'SIGTERM');
    for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 200 /u);
    for (const one of crowd) assert.match(await one.finish(), /^HTTP\/1\.1 200 .*answered$/su);
    await eventually(`another worker in the place of ${victim}`, 60_000, async () => {
      const now = await pids('worker');
      return now.length === 2 && !now.includes(victim);
    });
    for (const one of slow) one[Symbol.dispose]();
  }
  const { answered, lost } = await running.stop();
  assert.deepEqual(lost, []);
  assert.ok(answered > 0);
});
