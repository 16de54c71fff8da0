// What is published installs and runs: the packed packages, beside the libraries they name, in a folder of their own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { endGroupWithProcess, node, repository, runCommand, temporaryFolder, without } from '@countersign/testkit';

const skip = without('npm');
// Why the packages could not be installed here, where that says nothing of them.
let uncached: string | undefined;
const folder = temporaryFolder('countersign-packed-');
const project = folder.in('project');
const bin = join(project, 'node_modules/countersign/bin/countersign.js');
// The published launcher runs on the Node it is started with: no condition, no sources.
const countersign = (...args: readonly string[]) =>
  runCommand(node, [bin, ...args], { cwd: project, timeoutMs: 60_000 });

before(async () => {
  if (skip !== false) return;
  const args = ['--conditions=countersign-source', join(repository, 'scripts/pack.ts'), folder.in('packed')];
  const packed = await runCommand(node, args, { cwd: repository, timeoutMs: 180_000 });
  assert.equal(packed.code, 0, packed.stderr);
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"private":true}\n');
  copyLibraries();
  const tarballs = readdirSync(folder.in('packed')).map((name) => folder.in('packed', name));
  assert.ok(tarballs.length >= 8);
  const installed = await runCommand('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', ...tarballs], {
    cwd: project,
    timeoutMs: 180_000,
  });
  const emptied = installed.stderr.includes('ENOTCACHED') && process.env['COUNTERSIGN_REQUIRE_PEERS'] !== '1';
  if (emptied) uncached = "npm's cache was emptied since npm ci";
  else assert.equal(installed.code, 0, installed.stderr);
});
after(() => folder[Symbol.dispose]());

// npm takes up what lies in node_modules already; at most it looks up a description, in its cache.
function copyLibraries(): void {
  const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; link?: boolean }>;
  };
  for (const [path, { dev, link }] of Object.entries(packages)) {
    if (!path.startsWith('node_modules/') || dev === true || link === true || !existsSync(join(repository, path)))
      continue;
    mkdirSync(dirname(join(project, path)), { recursive: true });
    cpSync(join(repository, path), join(project, path), { recursive: true });
  }
}

test('the packages hold built code, types and a licence, and no sources', { skip }, (t) => {
  if (uncached !== undefined) {
    t.skip(uncached);
    return;
  }
  const ours = join(project, 'node_modules/@countersign');
  assert.deepEqual(readdirSync(ours).toSorted(), ['agent', 'authority', 'gateway', 'pki', 'protocol', 'sdk', 'trust']);
  for (const name of [...readdirSync(ours).map((one) => join(ours, one)), join(project, 'node_modules/countersign')]) {
    const files = readdirSync(name, { recursive: true, encoding: 'utf8' });
    for (const needed of ['LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts'])
      assert.ok(files.includes(needed), needed);
    assert.deepEqual(
      files.filter((file) => /(?:^|\/)(?:src|test)\/|(?<!\.d)\.ts$|tsbuildinfo$/u.test(file)),
      [],
    );
    const manifest = readFileSync(join(name, 'package.json'), 'utf8');
    assert.doesNotMatch(manifest, /countersign-source|devDependencies/u);
    assert.match(manifest, /"node": ">=2[46]\.1/u);
  }
});

test('the packed command tells its version and makes a PKI', { skip }, async (t) => {
  if (uncached !== undefined) {
    t.skip(uncached);
    return;
  }
  const version = await countersign('--version');
  assert.equal(version.stdout, '0.1.0\n', version.stderr);
  const made = await countersign('init', '--data', folder.in('D'));
  assert.equal(made.code, 0, made.stderr);
});

test('the packed product starts, issues, revokes and ends', { skip }, async (t) => {
  if (uncached !== undefined) {
    t.skip(uncached);
    return;
  }
  const doors = ['gateway', 'authority', 'http', 'admin'].flatMap((door) => [`--${door}`, '127.0.0.1:0']);
  const data = folder.in('started');
  const child = spawn(node, [bin, 'start', '--workers', '1', '--data', data, ...doors], {
    cwd: project,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endGroup = endGroupWithProcess(child);
  const gone = once(child, 'exit');
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  try {
    let last = '';
    for await (const line of createInterface({ input: child.stdout })) {
      last = line;
      if (line === 'ready') break;
    }
    assert.equal(last, 'ready', stderr);
    assert.equal((await countersign('issue', 'packed', '--data', data)).code, 0);
    assert.equal((await countersign('revoke', 'packed', '--data', data)).code, 0);
    child.kill('SIGTERM');
    assert.deepEqual(await gone, [0, null]);
  } finally {
    endGroup();
  }
});

test('an old Node is told what it needs', { skip }, async (t) => {
  if (uncached !== undefined) {
    t.skip(uncached);
    return;
  }
  const source = readFileSync(bin, 'utf8');
  assert.doesNotMatch(source, /^import .* from '@countersign/mu);
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '20.0.0' }); await import(${JSON.stringify(bin)});`;
  const ran = await runCommand(node, ['--input-type=module', '-e', pretend], { cwd: project });
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /^countersign needs Node 26\.10 or newer; this is 20\.0\.0\.\n/u);
});
