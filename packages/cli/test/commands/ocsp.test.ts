import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { authorityInfoAccess, OID } from '@countersign/pki';
import { createRoot, type OcspBehaviour, serveOcsp, temporaryFolder } from '@countersign/testkit';
import { inProcess } from '../in-process.ts';

const told = (stdout: string): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

async function responderFolder() {
  const folder = temporaryFolder();
  const root = await createRoot('Root');
  let behaviour: OcspBehaviour = {};
  const server = await serveOcsp(root, () => behaviour);
  const access = authorityInfoAccess([{ method: OID.ocsp, location: { type: 'uri', value: server.url } }]);
  const leaf = await root.issue('leaf', { extensions: [access] });
  leaf.write(folder.path, 'leaf', { leafOnly: true });
  root.write(folder.path, 'root', { leafOnly: true });
  return {
    folder,
    root,
    server,
    behave: (next: OcspBehaviour) => (behaviour = next),
    run: (...args: string[]) => inProcess(['ocsp', 'leaf.crt', ...args], { cwd: folder.path, now: () => root.now }),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

test('only what a responder calls good is exit code 0; revoked and unknown are told as such', async () => {
  await using test = await responderFolder();
  const args = ['--issuer', 'root.crt', '--allow', '127.0.0.1', '--json'];
  const good = await test.run(...args);
  assert.deepEqual([good.exit, told(good.stdout)['status']], [0, 'good'], good.stderr);
  assert.ok('nonce' in told(good.stdout));
  test.behave({
    status: () => ({ status: 'revoked', revocationTime: test.root.now - 60_000, reason: 'keyCompromise' }),
  });
  const revoked = await test.run(...args);
  assert.deepEqual([revoked.exit, told(revoked.stdout)['reason']], [1, 'keyCompromise']);
  assert.match(revoked.stderr, /^countersign: revoked at .+ \(keyCompromise\)\n$/u);
  test.behave({ status: () => ({ status: 'unknown' }) });
  const unknown = await test.run(...args);
  assert.deepEqual([unknown.exit, told(unknown.stdout)['status']], [1, 'unknown']);
});

test('T36: an answer of another responder, about another certificate, of the past, with another nonce, or an error is none', async () => {
  await using test = await responderFolder();
  const other = await createRoot('Root');
  const hour = 3_600_000;
  const lies: Record<string, OcspBehaviour> = {
    forged: { forgedBy: other.signer },
    'a delegate without OCSPSigning': { delegate: await test.root.issue('delegate') },
    'another certificate': { about: (asked) => ({ ...asked, serialNumber: Uint8Array.of(1, 2, 3) }) },
    past: { thisUpdate: -2 * hour, nextUpdate: -hour, producedAt: -2 * hour },
    'another nonce': { nonce: 'wrong' },
    tryLater: { error: 'tryLater' },
  };
  for (const [name, lie] of Object.entries(lies)) {
    test.behave(lie);
    const refused = await test.run('--issuer', 'root.crt', '--allow', '127.0.0.1', '--json');
    assert.deepEqual([refused.exit, told(refused.stdout)['status']], [1, 'unknown'], name);
    assert.match(refused.stderr, /^countersign: unknown: .+\n$/u, name);
  }
});

test('T35: the URL of a certificate leads to no private address unless that is allowed; one that is written out is meant', async () => {
  await using test = await responderFolder();
  const refused = await test.run('--issuer', 'root.crt');
  assert.equal(refused.exit, 1);
  assert.match(refused.stderr, /not allowed here; allow it with --allow/u);
  assert.equal(test.server.connections, 0);
  assert.equal((await test.run('--issuer', 'root.crt', '--url', test.server.url)).exit, 0);
});

test('a response is kept and checked again without asking anybody', async () => {
  await using test = await responderFolder();
  const asked = await test.run('--issuer', 'root.crt', '--url', test.server.url, '--no-nonce', '--out', 'kept.der');
  assert.equal(asked.exit, 0, asked.stderr);
  assert.match(asked.stdout, /status +good/u);
  const before = test.server.connections;
  const again = await test.run('--issuer', 'root.crt', '--response', 'kept.der');
  assert.equal(again.exit, 0, again.stderr);
  assert.equal(test.server.connections, before);
  assert.ok(readFileSync(test.folder.in('kept.der')).length > 100);
  const noise = await test.run('--issuer', 'root.crt', '--response', 'root.crt');
  assert.equal(noise.exit, 1);
  assert.equal((await test.run()).exit, 2, 'an issuer has to be named');
});
