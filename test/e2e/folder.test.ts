// The DATA folder in trouble: one clear line each, nothing lost, no secret told.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { countersign, runCommand, startProduct, temporaryFolder, without } from '@countersign/testkit';

const doors = ['gateway', 'authority', 'http', 'admin'].flatMap((door) => [`--${door}`, '127.0.0.1:0']);

/** The lines that are the command's own, not a log. */
function ownLines(stderr: string): readonly string[] {
  return stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
}

test('passphrases from the environment open the keys, and no process has them in its environment or arguments', async () => {
  using folder = temporaryFolder();
  const data = folder.in('D');
  const env = { COUNTERSIGN_PASSPHRASE: 'correct horse', COUNTERSIGN_ROOT_PASSPHRASE: 'battery staple' };
  assert.equal((await countersign(['init', '--data', data], { env })).code, 0);
  assert.deepEqual(readdirSync(data).includes('secrets'), false);
  await using product = await startProduct({ data, env, args: ['--workers', '1'] });
  const processes = await product.processes();
  assert.ok(processes.length >= 4);
  for (const { pid, role } of processes) {
    const told = ['cmdline', ...(role === 'supervisor' ? [] : ['environ'])].map((file) =>
      readFileSync(`/proc/${pid}/${file}`, 'utf8'),
    );
    assert.doesNotMatch(told.join('\n'), /correct horse|battery staple/u, role);
  }
});

test('a wrong passphrase is told in one line, and nothing is changed', async () => {
  using folder = temporaryFolder();
  const data = folder.in('D');
  const env = { COUNTERSIGN_PASSPHRASE: 'right', COUNTERSIGN_ROOT_PASSPHRASE: 'root' };
  assert.equal((await countersign(['init', '--data', data], { env })).code, 0);
  const key = readFileSync(join(data, 'ca/issuing-1.key'), 'utf8');
  const wrong = await countersign(['start', '--data', data, ...doors], {
    env: { ...env, COUNTERSIGN_PASSPHRASE: 'wrong' },
  });
  assert.equal(wrong.code, 1);
  assert.match(ownLines(wrong.stderr).join('\n'), /^countersign: The passphrase does not open the key: .+$/u);
  const none = await countersign(['start', '--data', data, ...doors]);
  assert.equal(none.code, 1);
  assert.match(ownLines(none.stderr).join('\n'), /^countersign: there is no passphrase .*COUNTERSIGN_PASSPHRASE.*$/u);
  assert.equal(readFileSync(join(data, 'ca/issuing-1.key'), 'utf8'), key);
});

test('a folder of another version, and one that holds something else, are left alone', async () => {
  using folder = temporaryFolder();
  mkdirSync(folder.in('newer'));
  writeFileSync(folder.in('newer', 'countersign.json'), '{"format":99}\n');
  mkdirSync(folder.in('photos'));
  writeFileSync(folder.in('photos', 'cat.jpg'), '');
  for (const [name, words] of [
    ['newer', /format 99/u],
    ['photos', /not a Countersign folder/u],
  ] as const) {
    const before = readdirSync(folder.in(name));
    for (const command of [['start', ...doors], ['init']]) {
      const ran = await countersign([...command, '--data', folder.in(name)]);
      assert.equal(ran.code, 1);
      assert.match(ran.stderr, words);
      assert.equal(ownLines(ran.stderr).length, 1, ran.stderr);
    }
    assert.deepEqual(readdirSync(folder.in(name)), before);
  }
});

test('what cannot work makes nothing: a trust file that is none, and an issue where no authority runs', async () => {
  using folder = temporaryFolder();
  writeFileSync(folder.in('empty.pem'), '');
  writeFileSync(folder.in('key.pem'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
  for (const [file, words] of [
    ['gone.pem', /gone\.pem: does not exist; check the path/u],
    ['empty.pem', /empty\.pem: is empty; put the CA certificate in/u],
    ['key.pem', /key\.pem: .*; only CERTIFICATE blocks belong in a trust file/u],
  ] as const) {
    const ran = await countersign(['start', '--data', folder.in('D'), ...doors, '--trust', folder.in(file)]);
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, words);
    assert.equal(ran.stderr.trimEnd().split('\n').length, 1, ran.stderr);
    assert.ok(!existsSync(folder.in('D')));
  }
  const issued = await countersign(['issue', 'x', '--data', folder.in('D')]);
  assert.equal(issued.code, 1);
  assert.match(issued.stderr, /^countersign: no authority runs on .*; start one/u);
  assert.ok(!existsSync(folder.in('D')));
});

test('a mistake in a configuration is told with its file, and where it is', async () => {
  using folder = temporaryFolder();
  writeFileSync(folder.in('wrong.yaml'), 'worker: 2\ntimeouts: never\n');
  for (const command of ['gateway', 'agent', 'authority', 'start']) {
    const args = command === 'start' ? [...doors, '--data', folder.in('D')] : [];
    const ran = await countersign([command, '--config', folder.in('wrong.yaml'), ...args]);
    assert.equal(ran.code, 2, `${command}: ${ran.stderr}`);
    assert.ok(ran.stderr.startsWith(`countersign: ${folder.in('wrong.yaml')}: `), `${command}: ${ran.stderr}`);
    assert.match(ran.stderr, /worker|timeouts|identities/u);
    assert.equal(ran.stderr.trimEnd().split('\n').length, 1, ran.stderr);
  }
  assert.ok(!existsSync(folder.in('D')), 'nothing is made');
});

test('init twice keeps the first', async () => {
  using folder = temporaryFolder();
  const data = folder.in('D');
  assert.equal((await countersign(['init', '--data', data])).code, 0);
  const root = readFileSync(join(data, 'ca/root.crt'), 'utf8');
  const again = await countersign(['init', '--data', data]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /^countersign: There is an authority in this folder already.*\n$/u);
  assert.equal(readFileSync(join(data, 'ca/root.crt'), 'utf8'), root);
});

test('init --renew-issuing makes the next issuing CA', async () => {
  using folder = temporaryFolder();
  const data = folder.in('D');
  assert.equal((await countersign(['init', '--data', data])).code, 0);
  const renewed = await countersign(['init', '--renew-issuing', '--json', '--data', data]);
  assert.equal(renewed.code, 0, renewed.stderr);
  assert.equal((JSON.parse(renewed.stdout) as { id: string }).id, 'issuing-2');
});

const noMount =
  without('mount', 'umount') !== false || process.getuid?.() !== 0 ? 'needs root, to mount a small file system' : false;

test('a full disk is one clear line, and what was issued before is kept', { skip: noMount }, async (t) => {
  using folder = temporaryFolder();
  const disk = folder.in('disk');
  mkdirSync(disk);
  const mounted = await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]);
  if (mounted.code !== 0) {
    t.skip(`mount: ${mounted.stderr.trim()}`);
    return;
  }
  try {
    const product = await startProduct({ data: join(disk, 'D'), args: ['--workers', '1'] });
    try {
      writeFileSync(join(disk, 'filler'), '');
      const filled = await runCommand('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k']);
      assert.notEqual(filled.code, 0);
      const ran = await product.cli('issue', 'too-late');
      assert.equal(ran.code, 1);
      assert.match(ran.stderr, /^countersign: .*(?:disk is full|no space left).*\n$/iu);
      writeFileSync(join(disk, 'filler'), '');
      assert.equal((await product.json('list', '--name', 'demo')).length, 1);
      assert.equal((await product.cli('issue', 'in-time')).code, 0);
    } finally {
      await product[Symbol.asyncDispose]();
    }
  } finally {
    await runCommand('umount', ['-l', disk]);
  }
});
