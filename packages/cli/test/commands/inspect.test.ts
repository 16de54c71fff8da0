import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildCsr, buildName, buildPkcs12, pemEncode, subjectAltName } from '@countersign/pki';
import { createRoot, temporaryFolder } from '@countersign/testkit';
import { generateKeyPair, encryptPrivateKey, nodePasswordCrypto, nodeSigner } from '@countersign/trust';
import { inProcess } from '../in-process.ts';

async function inspected(cwd: string, ...args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const ran = await inProcess(['inspect', ...args, '--json'], { cwd });
  assert.equal(ran.exit, 0, ran.stderr);
  return ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('every certificate of a PEM file is told, in order', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const issuing = await root.issueCa('Issuing');
  (await issuing.issue('demo', { sans: [{ type: 'ip', value: Uint8Array.of(10, 0, 0, 1) }] })).write(
    folder.path,
    'demo',
  );
  const [leaf, ca] = await inspected(folder.path, 'demo.crt');
  assert.equal(leaf?.['kind'], 'certificate');
  assert.equal(leaf?.['subject'], 'CN=demo');
  assert.equal(leaf?.['key'], 'P-256');
  assert.deepEqual(leaf?.['names'], ['ip:10.0.0.1']);
  assert.deepEqual(leaf?.['extendedKeyUsage'], ['clientAuth']);
  assert.equal(ca?.['subject'], 'CN=Issuing');
  assert.equal(ca?.['ca'], true);
});

test('DER needs no label', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  writeFileSync(folder.in('root.der'), root.der);
  assert.equal((await inspected(folder.path, 'root.der'))[0]?.['subject'], 'CN=Root');
});

test('a request tells what it asks for and whether it proves its key', async () => {
  using folder = temporaryFolder();
  const { privateKey } = await generateKeyPair('p256');
  const extensions = [subjectAltName([{ type: 'dns', value: 'a.example' }])];
  const der = await buildCsr({ subject: buildName([{ type: 'CN', value: 'x' }]), extensions }, nodeSigner(privateKey));
  writeFileSync(folder.in('x.csr'), pemEncode('CERTIFICATE REQUEST', der));
  const [request] = await inspected(folder.path, 'x.csr');
  assert.deepEqual(request?.['names'], ['dns:a.example']);
  assert.equal(request?.['signature'], 'proves possession of the key');
});

test('keys are named, never shown', async () => {
  using folder = temporaryFolder();
  const { privateKey } = await generateKeyPair('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(folder.in('clear.key'), pem);
  writeFileSync(folder.in('locked.key'), await encryptPrivateKey(privateKey, 'secret', { kdf: 'pbkdf2' }));
  const ran = await inProcess(['inspect', 'clear.key'], { cwd: folder.path });
  assert.match(ran.stdout, /^private key\n {2}key {2}Ed25519\n$/u);
  assert.equal((await inspected(folder.path, 'locked.key'))[0]?.['kind'], 'encrypted private key');
});

test('a PKCS#12 file opens with its password and says when it does not', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const leaf = await root.issue('demo');
  const key = leaf.key.privateKey.export({ type: 'pkcs8', format: 'der' });
  const file = await buildPkcs12({ key, certificates: [leaf.der, root.der] }, 'pw', nodePasswordCrypto, {
    iterations: 2000,
  });
  writeFileSync(folder.in('demo.p12'), file);
  writeFileSync(folder.in('pw'), 'pw\n');
  assert.equal((await inspected(folder.path, 'demo.p12'))[0]?.['state'], 'locked');
  const [open] = await inspected(folder.path, 'demo.p12', '--password-file', 'pw');
  assert.deepEqual([open?.['keys'], open?.['certificates']], [['P-256'], 2]);
});

test('one malformed block does not hide the others', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const bad = pemEncode('CERTIFICATE', root.der.subarray(0, -1));
  writeFileSync(folder.in('mixed.pem'), bad + root.pem);
  const [first, second] = await inspected(folder.path, 'mixed.pem');
  assert.equal(first?.['kind'], 'malformed');
  assert.equal(first?.['code'], 'der_truncated');
  assert.equal(second?.['kind'], 'certificate');
});

test('a token shows its claims', async () => {
  using folder = temporaryFolder();
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  writeFileSync(folder.in('t'), `${part({ alg: 'ES256' })}.${part({ sub: 'demo' })}.AAAA\n`);
  const [token] = await inspected(folder.path, 't');
  assert.deepEqual(token?.['payload'], { sub: 'demo' });
});

test('what is none of these is an unreadable file', async () => {
  using folder = temporaryFolder();
  writeFileSync(folder.in('page.html'), '<html></html>');
  assert.equal((await inProcess(['inspect', 'page.html'], { cwd: folder.path })).exit, 2);
  assert.equal((await inProcess(['inspect', 'gone'], { cwd: folder.path })).exit, 2);
});
