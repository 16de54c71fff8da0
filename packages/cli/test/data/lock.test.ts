import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { endWithProcess, node, temporaryFolder } from '@countersign/testkit';
import { dataFolder } from '../../src/data/folder.ts';
import { isLocked, takeLock } from '../../src/data/lock.ts';
import { readProcesses, writeProcesses } from '../../src/data/processes.ts';
import { CliFailure } from '../../src/failure.ts';

test('a folder has one owner at a time, and the second is told whose it is', () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  const lock = takeLock(folder, 4711);
  assert.ok(isLocked(folder));
  assert.throws(
    () => takeLock(folder, 1),
    (error: unknown) => error instanceof CliFailure && error.code === 'data_locked' && /4711/u.test(error.message),
  );
  lock.release();
  assert.ok(!isLocked(folder));
  takeLock(folder, 1).release();
});

test('a folder that was made for its lock alone goes away with it; anything else in it stays', () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  takeLock(folder, 1).release();
  assert.ok(!existsSync(folder.path));
  const lock = takeLock(folder, 1);
  writeFileSync(folder.marker, '{"format":1}');
  lock.release();
  assert.ok(existsSync(folder.marker));
  takeLock(folder, 1).release();
  assert.ok(existsSync(folder.run));
});

test('a lock ends with its holder, however that ends', async () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  const source = `
    import { takeLock } from ${JSON.stringify(new URL('../../src/data/lock.ts', import.meta.url).href)};
    takeLock(${JSON.stringify(folder)}, process.pid);
    console.log('held');
    setInterval(() => {}, 1000);
  `;
  const holder = spawn(node, ['--conditions=countersign-source', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithProcess(holder);
  const gone = once(holder, 'exit');
  await once(holder.stdout, 'data');
  const whileItLives = isLocked(folder);
  holder.kill('SIGKILL');
  await gone;
  assert.ok(whileItLives);
  assert.ok(!isLocked(folder));
});

test('a list of processes counts only while somebody holds the lock', () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  const lock = takeLock(folder, process.pid);
  const running = [{ role: 'supervisor' as const, pid: process.pid, listen: {} }];
  assert.deepEqual(readProcesses(folder), []);
  writeProcesses(folder, running);
  assert.deepEqual(readProcesses(folder), running);
  lock.release();
  assert.equal(readProcesses(folder), undefined);
});

test('a process that has died is not listed', async () => {
  using temporary = temporaryFolder();
  const folder = dataFolder({ cwd: temporary.path, env: {} }, 'D');
  const lock = takeLock(folder, process.pid);
  const child = spawn(node, ['--eval', '']);
  await once(child, 'exit');
  writeProcesses(folder, [
    { role: 'supervisor', pid: process.pid, listen: {} },
    { role: 'worker', pid: child.pid ?? 0, listen: {} },
  ]);
  assert.deepEqual(
    readProcesses(folder)?.map(({ role }) => role),
    ['supervisor'],
  );
  lock.release();
});
