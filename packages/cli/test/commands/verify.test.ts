import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildCertsOnly, buildCrl, crlNumber, OID, pemEncode } from '@countersign/pki';
import { createRoot, runCommand, temporaryFolder, type TestCa, without } from '@countersign/testkit';
import { inProcess } from '../in-process.ts';

const verdictOf = (stdout: string): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

test('a certificate with a path to what is trusted is valid, and the path is told', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const issuing = await root.issueCa('Issuing');
  const leaf = await issuing.issue('demo');
  leaf.write(folder.path, 'demo');
  root.write(folder.path, 'root');
  const ran = await inProcess(['verify', 'demo.crt', '--trust', 'root.crt', '--json'], { cwd: folder.path });
  assert.equal(ran.exit, 0, ran.stderr);
  const verdict = verdictOf(ran.stdout);
  assert.equal(verdict['ok'], true);
  assert.deepEqual(
    (verdict['path'] as { subject: string }[]).map(({ subject }) => subject),
    ['CN=demo', 'CN=Issuing', 'CN=Root'],
  );
});

test('intermediates may come from files of their own, several after one flag', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const issuing = await root.issueCa('Issuing');
  const other = await createRoot('Other');
  (await issuing.issue('demo')).write(folder.path, 'demo', { leafOnly: true });
  root.write(folder.path, 'root');
  other.write(folder.path, 'other');
  issuing.write(folder.path, 'issuing', { leafOnly: true });
  const cwd = folder.path;
  const alone = await inProcess(['verify', 'demo.crt', '--trust', 'other.crt', 'root.crt', '--json'], { cwd });
  assert.equal(alone.exit, 1);
  assert.equal(verdictOf(alone.stdout)['code'], 'untrusted_issuer');
  const args = ['verify', 'demo.crt', '--trust', 'other.crt', 'root.crt', '--intermediates', 'issuing.crt'];
  assert.equal((await inProcess(args, { cwd })).exit, 0);
});

test('a refusal has a code, the reason behind it, and a line for people', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  (await root.issue('srv', { usages: [OID.serverAuth] })).write(folder.path, 'srv');
  root.write(folder.path, 'root');
  const cwd = folder.path;
  const told = await inProcess(['verify', 'srv.crt', '--trust', 'root.crt', '--purpose', 'client', '--json'], { cwd });
  assert.equal(told.exit, 1);
  assert.equal(told.stdout.trimEnd().split('\n').length, 1);
  assert.equal(verdictOf(told.stdout)['code'], 'wrong_usage');
  assert.equal(verdictOf(told.stdout)['reason'], 'extended_key_usage');
  assert.match(told.stderr, /^countersign: refused: wrong_usage: CN=srv \([0-9a-f]+\): its extended key usage .+\n$/u);
});

test('--time judges for another moment', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  (await root.issue('demo')).write(folder.path, 'demo');
  root.write(folder.path, 'root');
  const later = new Date(Date.now() + 60 * 86_400_000).toISOString();
  const args = ['verify', 'demo.crt', '--trust', 'root.crt', '--json', '--time', later];
  const ran = await inProcess(args, { cwd: folder.path });
  assert.equal(verdictOf(ran.stdout)['code'], 'expired');
});

test('nothing to trust, a missing file and a file without certificate are exit 2', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  root.write(folder.path, 'root');
  writeFileSync(folder.in('page.html'), '<html>not found</html>');
  const cwd = folder.path;
  assert.equal((await inProcess(['verify', 'root.crt'], { cwd })).exit, 2);
  assert.equal((await inProcess(['verify', 'gone.crt', '--trust', 'root.crt'], { cwd })).exit, 2);
  assert.equal((await inProcess(['verify', 'root.crt', '--trust', 'page.html'], { cwd })).exit, 2);
  assert.equal((await inProcess(['verify', 'page.html', '--trust', 'root.crt'], { cwd })).exit, 2);
});

test('a certificate that breaks its format is refused as malformed', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const leaf = await root.issue('demo');
  root.write(folder.path, 'root');
  const broken = new Uint8Array(leaf.der);
  broken[broken.length - 80] = (broken[broken.length - 80] ?? 0) ^ 0xff;
  writeFileSync(folder.in('broken.crt'), broken.subarray(0, broken.length - 1));
  const ran = await inProcess(['verify', 'broken.crt', '--trust', 'root.crt', '--json'], { cwd: folder.path });
  assert.equal(ran.exit, 1);
  assert.equal(verdictOf(ran.stdout)['code'], 'malformed_certificate');
});

async function writeCrl(path: string, ca: TestCa, revoked: readonly string[]): Promise<void> {
  const now = Date.now();
  const der = await buildCrl(
    {
      issuer: ca.certificate.subject,
      thisUpdate: now - 60_000,
      nextUpdate: now + 3_600_000,
      entries: revoked.map((serialNumber) => ({ serialNumber, revocationDate: now - 60_000 })),
      extensions: [crlNumber(1)],
    },
    ca.signer,
  );
  writeFileSync(path, pemEncode('X509 CRL', der));
}

test('with --crl the whole chain must be covered, with --crl-scope leaf only the leaf', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const issuing = await root.issueCa('Issuing');
  (await issuing.issue('demo')).write(folder.path, 'demo');
  root.write(folder.path, 'root');
  await writeCrl(folder.in('issuing.crl'), issuing, []);
  await writeCrl(folder.in('root.crl'), root, []);
  const cwd = folder.path;
  const args = ['verify', 'demo.crt', '--trust', 'root.crt', '--json', '--crl', 'issuing.crl'];
  assert.equal(verdictOf((await inProcess(args, { cwd })).stdout)['code'], 'revocation_unknown');
  assert.equal((await inProcess([...args, '--crl-scope', 'leaf'], { cwd })).exit, 0);
  assert.equal((await inProcess([...args, 'root.crl'], { cwd })).exit, 0);
});

test('a certificate on its CRL is revoked', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const leaf = await root.issue('demo');
  leaf.write(folder.path, 'demo');
  root.write(folder.path, 'root');
  await writeCrl(folder.in('root.crl'), root, [leaf.certificate.serialHex]);
  const args = ['verify', 'demo.crt', '--trust', 'root.crt', '--json', '--crl', 'root.crl'];
  const ran = await inProcess(args, { cwd: folder.path });
  assert.equal(ran.exit, 1);
  assert.equal(verdictOf(ran.stdout)['code'], 'revoked');
});

test('--profile rfc5280, when named, holds issuers to section 4 of the RFC too; the gateway’s rules do not', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  (await root.issue('plain', { bare: true })).write(folder.path, 'plain');
  root.write(folder.path, 'root');
  const cwd = folder.path;
  const args = ['verify', 'plain.crt', '--trust', 'root.crt', '--json'];
  assert.equal((await inProcess(args, { cwd })).exit, 0);
  const named = await inProcess([...args, '--profile', 'rfc5280'], { cwd });
  assert.equal(named.exit, 1);
  assert.equal(verdictOf(named.stdout)['code'], 'malformed_certificate');
});

test('intermediates come in folders and PKCS#7 files too; what is malformed among them does not count', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const issuing = await root.issueCa('Issuing');
  (await issuing.issue('demo')).write(folder.path, 'demo', { leafOnly: true });
  root.write(folder.path, 'root');
  mkdirSync(folder.in('between'));
  issuing.write(folder.in('between'), 'issuing', { leafOnly: true });
  writeFileSync(folder.in('between/notes.txt'), 'no certificate');
  writeFileSync(folder.in('broken.pem'), pemEncode('CERTIFICATE', issuing.der.subarray(0, 200)));
  writeFileSync(folder.in('issuing.p7b'), buildCertsOnly({ certificates: [issuing.der], crls: [] }));
  writeFileSync(
    folder.in('issuing.p7.pem'),
    pemEncode('PKCS7', buildCertsOnly({ certificates: [issuing.der], crls: [] })),
  );
  const cwd = folder.path;
  const args = ['verify', 'demo.crt', '--trust', 'root.crt', '--json', '--intermediates'];
  for (const given of ['between', 'issuing.p7b', 'issuing.p7.pem']) {
    const ran = await inProcess([...args, given, 'broken.pem'], { cwd });
    assert.equal(ran.exit, 0, `${given}: ${ran.stderr}`);
    assert.match(ran.stderr, /broken\.pem is malformed/u);
  }
  const broken = await inProcess([...args, 'broken.pem'], { cwd });
  assert.equal(broken.exit, 1);
  assert.equal(verdictOf(broken.stdout)['code'], 'untrusted_issuer');
});

test('what is malformed among trusted certificates, CRLs and the chain is told on stderr and in JSON, and counts for nothing', async () => {
  using folder = temporaryFolder();
  const root = await createRoot('Root');
  const leaf = await root.issue('demo');
  leaf.write(folder.path, 'demo', { leafOnly: true });
  root.write(folder.path, 'root');
  await writeCrl(folder.in('root.crl'), root, []);
  const cut = pemEncode('CERTIFICATE', root.der.subarray(0, 200));
  writeFileSync(folder.in('cut.pem'), cut);
  writeFileSync(folder.in('both.pem'), cut + root.pem);
  writeFileSync(folder.in('chain.pem'), leaf.pem + cut);
  writeFileSync(folder.in('cut.crl'), pemEncode('X509 CRL', (await root.crl()).subarray(0, 90)));
  const cwd = folder.path;
  const verify = async (...args: readonly string[]) => {
    const ran = await inProcess(['verify', ...args, '--json'], { cwd });
    return { ...ran, verdict: verdictOf(ran.stdout) };
  };
  const files = ({ verdict }: { verdict: Record<string, unknown> }): readonly string[] =>
    ((verdict['malformed'] ?? []) as { file: string; detail: string }[]).map(({ file, detail }) => {
      assert.notEqual(detail, '');
      return file;
    });

  const good = await verify('demo.crt', '--trust', 'both.pem');
  assert.deepEqual([good.exit, files(good)], [0, [folder.in('both.pem')]]);
  assert.match(good.stderr, /both\.pem is malformed and does not count: /u);

  // Nothing is left to trust: a refusal, and why.
  const untrusted = await verify('demo.crt', '--trust', 'cut.pem');
  assert.deepEqual([untrusted.exit, untrusted.verdict['code']], [1, 'untrusted_issuer']);
  assert.deepEqual(files(untrusted), [folder.in('cut.pem')]);
  assert.match(untrusted.stderr, /cut\.pem is malformed/u);

  const chain = await verify('chain.pem', '--trust', 'root.crt');
  assert.deepEqual([chain.exit, files(chain)], [0, [folder.in('chain.pem')]]);

  // A list that cannot be read covers nobody.
  const unknown = await verify('demo.crt', '--trust', 'root.crt', '--crl', 'cut.crl');
  assert.deepEqual([unknown.exit, unknown.verdict['code']], [1, 'revocation_unknown']);
  assert.deepEqual(files(unknown), [folder.in('cut.crl')]);
  assert.match(unknown.stderr, /cut\.crl is malformed/u);
  const covered = await verify('demo.crt', '--trust', 'root.crt', '--crl', 'cut.crl', '--crl', 'root.crl');
  assert.deepEqual([covered.exit, files(covered)], [0, [folder.in('cut.crl')]]);

  const plain = await verify('demo.crt', '--trust', 'root.crt');
  assert.equal('malformed' in plain.verdict, false);
});

test(
  'a TRUSTED CERTIFICATE of OpenSSL is refused with the command that converts it, and what that makes is taken',
  { skip: without('openssl') },
  async () => {
    using folder = temporaryFolder();
    const root = await createRoot('Root');
    (await root.issue('demo')).write(folder.path, 'demo', { leafOnly: true });
    root.write(folder.path, 'root');
    const cwd = folder.path;
    // It says that the certificate is not to be trusted for clients: what --trust could not keep to.
    const made = ['x509', '-in', folder.in('root.crt'), '-trustout', '-addreject', 'clientAuth'];
    const { stdout: trusted } = await runCommand('openssl', made);
    assert.match(trusted, /BEGIN TRUSTED CERTIFICATE/u);
    writeFileSync(folder.in('trusted.pem'), trusted);
    for (const args of [
      ['demo.crt', '--trust', 'trusted.pem'],
      ['trusted.pem', '--trust', 'root.crt'],
    ]) {
      const ran = await inProcess(['verify', ...args], { cwd });
      assert.equal(ran.exit, 2);
      assert.match(ran.stderr, /trusted\.pem can't be used: a TRUSTED CERTIFICATE .*openssl x509 -in/u);
    }
    mkdirSync(folder.in('between'));
    writeFileSync(folder.in('between/trusted.pem'), trusted);
    const passed = await inProcess(['verify', 'demo.crt', '--trust', 'root.crt', '--intermediates', 'between'], {
      cwd,
    });
    assert.equal(passed.exit, 0);
    assert.match(passed.stderr, /between\/trusted\.pem .*does not count.*openssl x509 -in/u);

    const convert = ['x509', '-in', folder.in('trusted.pem'), '-out', folder.in('plain.pem')];
    await runCommand('openssl', convert);
    assert.equal((await inProcess(['verify', 'demo.crt', '--trust', 'plain.pem'], { cwd })).exit, 0);
    const inspected = await inProcess(['inspect', 'trusted.pem', '--json'], { cwd });
    assert.match(inspected.stdout, /"kind":"certificate".*"subject":"CN=Root"/u);
  },
);
