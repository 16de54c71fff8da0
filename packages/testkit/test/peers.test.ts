import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curl, eventually, peer, runCommand, startUpstream, temporaryFolder, without } from '@countersign/testkit';
import { existsSync } from 'node:fs';

test('a program that is there is found with its absolute path', () => {
  assert.match(peer('sh') ?? '', /^\/.*\/sh$/);
  assert.equal(without('sh'), false);
});

test('a program that is missing is a reason to skip, and an error where peers are required', () => {
  const before = process.env['COUNTERSIGN_REQUIRE_PEERS'];
  try {
    delete process.env['COUNTERSIGN_REQUIRE_PEERS'];
    assert.equal(without('sh', 'no-such-program'), 'not installed here: no-such-program');
    process.env['COUNTERSIGN_REQUIRE_PEERS'] = '1';
    assert.throws(() => without('no-such-program'), /no-such-program/);
  } finally {
    if (before === undefined) delete process.env['COUNTERSIGN_REQUIRE_PEERS'];
    else process.env['COUNTERSIGN_REQUIRE_PEERS'] = before;
  }
});

test('a command hands back its output and its exit code', async () => {
  const result = await runCommand('sh', ['-c', 'cat; echo no >&2; exit 3'], { input: 'yes' });
  assert.deepEqual(result, { code: 3, signal: null, stdout: 'yes', stderr: 'no\n' });
});

test('a command that hangs is ended', async () => {
  const result = await runCommand('sh', ['-c', 'exec sleep 60'], { timeoutMs: 50 });
  assert.equal(result.signal, 'SIGKILL');
});

test('curl reaches the upstream, which remembers what it saw', { skip: without('curl') }, async () => {
  await using upstream = await startUpstream();
  const answer = await curl(`${upstream.url}/a?b=c`, {}, ['-d', 'body', '-H', 'X-One: 1']);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(upstream.seen[0]?.url, '/a?b=c');
  assert.equal(upstream.seen[0]?.headers['x-one'], '1');
  assert.equal(upstream.seen[0]?.body, 'body');
});

test('curl that reaches nobody says so', { skip: without('curl') }, async () => {
  const answer = await curl('http://127.0.0.1:1/');
  assert.equal(answer.status, 0);
  assert.equal(answer.exitCode, 7);
});

test('a temporary folder goes away with its scope', () => {
  let path: string;
  {
    using folder = temporaryFolder();
    path = folder.path;
    assert.ok(existsSync(path));
  }
  assert.ok(!existsSync(path));
});

test('what never becomes true is an error that names it', async () => {
  await assert.rejects(
    eventually('the moon is cheese', 30, () => false),
    /the moon is cheese/,
  );
  assert.equal(await eventually('one', 1000, () => 1), 1);
});
