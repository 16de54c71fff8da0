import assert from 'node:assert/strict';
import { EventEmitter, on, once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ListeningEvent } from '@countersign/protocol';
import { CliFailure } from '../../src/failure.ts';
import { nextDelay } from '../../src/supervisor/back-off.ts';
import { manageChild, type ManagedChild } from '../../src/supervisor/child.ts';

const module = fileURLToPath(new URL('fixtures/child.ts', import.meta.url));

function child(
  options: (before: ListeningEvent | undefined) => unknown,
  restart = true,
): { managed: ManagedChild; events: EventEmitter } {
  const events = new EventEmitter();
  const managed = manageChild({
    role: 'authority',
    module,
    options,
    restart,
    onListening: (event) => events.emit('listening', event),
    onRemark: (line) => events.emit('remark', line),
  });
  return { managed, events };
}

test('a killed child comes back where it was', async () => {
  const { managed, events } = child((before) => ({
    behaviour: 'listen',
    port: before?.listen.authority === undefined ? 1 : Number(before.listen.authority.split(':')[1]) + 1,
  }));
  const first = await managed.start();
  assert.equal(first.listen.authority, '127.0.0.1:1');
  const back = once(events, 'listening');
  process.kill(first.pid, 'SIGKILL');
  const [second] = (await back) as [ListeningEvent];
  assert.notEqual(second.pid, first.pid);
  assert.equal(second.listen.authority, '127.0.0.1:2');
  await managed.stop();
  assert.equal(managed.pid, undefined);
});

test('without restart it stays away, and that is said', async () => {
  const { managed, events } = child(() => ({ behaviour: 'listen', port: 1 }), false);
  const { pid } = await managed.start();
  const remark = once(events, 'remark');
  process.kill(pid, 'SIGKILL');
  assert.match(String((await remark)[0]), /SIGKILL.*--no-restart/u);
  assert.equal(managed.pid, undefined);
  await managed.stop();
});

test('other options are taken up, or refused in its own words while it goes on', async () => {
  const wanted = { behaviour: 'listen', port: 1 };
  const { managed } = child(() => ({ ...wanted }));
  const { pid } = await managed.start();
  wanted.port = 2;
  assert.equal((await managed.reload()).listen.authority, '127.0.0.1:2');
  wanted.behaviour = 'refuse';
  await assert.rejects(managed.reload(), /will not/u);
  assert.equal(managed.pid, pid);
  await managed.stop();
});

test('a retired child that ends is not started again', async () => {
  let starts = 0;
  const { managed, events } = child(() => {
    starts += 1;
    return { behaviour: 'listen', port: 1 };
  });
  events.on('remark', (line: string) => assert.fail(line));
  const { pid } = await managed.start();
  managed.retire();
  process.kill(pid, 'SIGTERM');
  await managed.stop();
  assert.equal(starts, 1);
});

test("a child that can't start says why in its own words", async () => {
  const { managed } = child(() => ({ behaviour: 'fail', port: 1 }));
  await assert.rejects(managed.start(), (error: unknown) => {
    assert.ok(error instanceof CliFailure);
    assert.equal(error.code, 'address_in_use');
    assert.equal(error.message, 'the port is taken');
    return true;
  });
});

test('a child that ends without a word is an error that names its exit code', async () => {
  const { managed } = child(() => ({ behaviour: 'die', port: 1 }));
  await assert.rejects(managed.start(), /exit code 7/u);
});

test('a child that fails to come back is tried again, ever more slowly', async () => {
  let starts = 0;
  const { managed, events } = child(() => {
    starts += 1;
    return { behaviour: starts === 1 || starts > 3 ? 'listen' : 'die', port: starts };
  });
  const first = await managed.start();
  const waits: number[] = [];
  process.kill(first.pid, 'SIGKILL');
  for await (const [line] of on(events, 'remark') as AsyncIterable<[string]>) {
    const wait = /again in ([\d.]+) s/u.exec(line)?.[1];
    if (wait !== undefined) waits.push(Number(wait));
    if (line.includes('is back')) break;
  }
  assert.deepEqual(waits, [0.25, 0.5, 1]);
  await managed.stop();
});

test('a child does not inherit where passphrases are', async () => {
  process.env['COUNTERSIGN_PASSPHRASE_FILE'] = '/somewhere';
  try {
    const { managed } = child(() => ({ behaviour: 'listen', port: 1 }));
    const event = await managed.start();
    assert.equal(event.listen.admin, 'none');
    await managed.stop();
  } finally {
    delete process.env['COUNTERSIGN_PASSPHRASE_FILE'];
  }
});

test('the back-off doubles up to ten seconds', () => {
  assert.deepEqual([0, 1, 2, 5, 6, 60].map(nextDelay), [250, 500, 1000, 8000, 10_000, 10_000]);
});
