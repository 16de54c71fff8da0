import assert from 'node:assert/strict';
import { once } from 'node:events';
import { EventEmitter } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createRoot, temporaryFolder } from '@countersign/testkit';
import { AgentError } from '../src/errors.ts';
import { runHook } from '../src/hook.ts';
import { keepIdentity } from '../src/kept-identity.ts';

const listening = () => {
  const heard = new EventEmitter();
  return {
    heard,
    events: {
      onEnrolled: () => heard.emit('enrolled'),
      onRenewed: () => heard.emit('renewed'),
      onWaiting: () => heard.emit('waiting'),
      onFailed: (error: unknown, nextAt: number | undefined) => heard.emit('failed', error, nextAt),
    },
  };
};

test('an identity that is there is taken up, and its renewal is due at two thirds of its life', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const leaf = await root.issue('web');
  leaf.write(folder.path, 'web');
  root.write(folder.path, 'ca');
  const { events } = listening();
  const around = { baseDir: folder.path, now: Date.now, random: () => 0 };
  const kept = keepIdentity('web', { folder: '.', url: 'https://127.0.0.1:1' }, around, events);
  await kept.ready;
  const { notBefore, notAfter } = leaf.certificate;
  assert.equal(kept.notAfter, notAfter);
  assert.equal(kept.nextAt, notBefore + ((notAfter - notBefore) * 2) / 3);
  kept.stop();
});

test('without certificate and token it says so, and tries again', async () => {
  using folder = temporaryFolder();
  const { heard, events } = listening();
  const failed = once(heard, 'failed');
  const kept = keepIdentity('web', { folder: 'id' }, { baseDir: folder.path, now: Date.now, random: () => 0 }, events);
  const [error, nextAt] = (await failed) as [unknown, number | undefined];
  assert.ok(error instanceof AgentError && error.code === 'not_enrolled');
  assert.ok(nextAt !== undefined && nextAt > Date.now() - 1000);
  kept.stop();
});

test('the hook gets the names of the files, and its failure is an error', async () => {
  using folder = temporaryFolder();
  mkdirSync(folder.in('id'));
  const files = { cert: '/c', key: '/k', ca: '/r' };
  const out = folder.in('out');
  const script = `echo "$COUNTERSIGN_IDENTITY $COUNTERSIGN_CERT $COUNTERSIGN_KEY $COUNTERSIGN_CA" > ${out}`;
  await runHook(['sh', '-c', script], 'web', files);
  assert.equal(readFileSync(out, 'utf8'), 'web /c /k /r\n');
  for (const command of [['false'], ['/no/such/program']]) {
    await assert.rejects(
      runHook(command, 'web', files),
      (error: unknown) => error instanceof AgentError && error.code === 'hook_failed',
    );
  }
});
