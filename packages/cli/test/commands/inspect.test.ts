import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import {
  buildCertsOnly,
  buildCsr,
  buildName,
  buildOcspRequest,
  buildPkcs12,
  parseCertificate,
  pemEncode,
  subjectAltName,
} from '@countersign/pki';
import { createRoot, ocspAnswer, temporaryFolder } from '@countersign/testkit';
import { encryptPrivateKey, generateKeyPair, nodeCrypto, nodePasswordCrypto, nodeSigner } from '@countersign/trust';
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
  const [open, ...inside] = await inspected(folder.path, 'demo.p12', '--password-file', 'pw');
  assert.deepEqual([open?.['keys'], open?.['certificates']], [['P-256'], 2]);
  assert.deepEqual(
    inside.map(({ subject }) => subject),
    ['CN=demo', 'CN=Root'],
  );
  writeFileSync(folder.in('other'), 'another\n');
  const wrong = await inProcess(['inspect', 'demo.p12', '--password-file', 'other'], { cwd: folder.path });
  assert.equal(wrong.exit, 1);
  assert.match(wrong.stderr, /the password does not open demo\.p12/u);
});

test('a PKCS#7 file tells what it carries, and each certificate in it', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const leaf = await root.issue('demo');
  const file = buildCertsOnly({ certificates: [leaf.der, root.der], crls: [] });
  writeFileSync(folder.in('chain.p7c'), file);
  writeFileSync(folder.in('chain.p7b'), pemEncode('PKCS7', file));
  for (const name of ['chain.p7c', 'chain.p7b']) {
    const [outer, ...inside] = await inspected(folder.path, name);
    assert.deepEqual(outer, { kind: 'pkcs7', certificates: 2, crls: 0 });
    // A SET: DER orders it by the octets.
    assert.deepEqual(inside.map(({ subject }) => String(subject)).toSorted(), ['CN=Root', 'CN=demo']);
  }
});

test('keys in the forms before PKCS#8 are named too', async () => {
  using folder = temporaryFolder();
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const locked = { type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  writeFileSync(folder.in('keys.pem'), ec.export({ type: 'sec1', format: 'pem' }));
  writeFileSync(folder.in('rsa.der'), rsa.export({ type: 'pkcs1', format: 'der' }));
  writeFileSync(folder.in('locked.pem'), ec.export(locked));
  assert.deepEqual(await inspected(folder.path, 'keys.pem'), [{ kind: 'private key', key: 'P-384' }]);
  assert.deepEqual(await inspected(folder.path, 'rsa.der'), [{ kind: 'private key', key: 'RSA 2048' }]);
  assert.equal((await inspected(folder.path, 'locked.pem'))[0]?.['kind'], 'encrypted private key');
});

test('an OCSP request tells which certificates it asks about', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const leaf = parseCertificate((await root.issue('demo')).der);
  const issuer = parseCertificate(root.der);
  writeFileSync(folder.in('ask.ocsp'), buildOcspRequest([leaf], issuer, nodeCrypto));
  const [request] = await inspected(folder.path, 'ask.ocsp');
  assert.equal(request?.['kind'], 'ocsp request');
  assert.deepEqual(request?.['serials'], [leaf.serialHex]);
});

test('an OCSP response tells its answers and their times', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const leaf = parseCertificate((await root.issue('demo')).der);
  const request = buildOcspRequest([leaf], parseCertificate(root.der), nodeCrypto);
  const revoked = { status: 'revoked', revocationTime: root.now, reason: 'keyCompromise' } as const;
  writeFileSync(folder.in('good.ocsp'), await ocspAnswer(request, root));
  writeFileSync(folder.in('revoked.ocsp'), await ocspAnswer(request, root, { status: () => revoked }));
  writeFileSync(folder.in('later.ocsp'), await ocspAnswer(request, root, { error: 'tryLater' }));
  const [good] = await inspected(folder.path, 'good.ocsp');
  assert.equal(good?.['kind'], 'ocsp response');
  assert.equal(good?.['status'], 'successful');
  assert.match(String(good?.['answers']), new RegExp(`^${leaf.serialHex} good, as of .+Z, until .+Z$`, 'u'));
  const [bad] = await inspected(folder.path, 'revoked.ocsp');
  assert.match(String(bad?.['answers']), /revoked at .+Z \(keyCompromise\)/u);
  assert.deepEqual(await inspected(folder.path, 'later.ocsp'), [{ kind: 'ocsp response', status: 'tryLater' }]);
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
  const root = await createRoot('Root');
  writeFileSync(folder.in('cut.der'), root.der.subarray(0, -1));
  const cut = await inProcess(['inspect', 'cut.der'], { cwd: folder.path });
  assert.equal(cut.exit, 2);
  assert.match(cut.stderr, /can't be read as certificate: .*der_truncated/u);
});
