// The commands against a running product: what they write, what they print, and how they end.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  countersign,
  curl,
  type Product,
  runCommand,
  startProduct,
  startUpstream,
  temporaryFolder,
  type Upstream,
  without,
} from '@countersign/testkit';

const folder = temporaryFolder();
let upstream: Upstream;
let product: Product;

before(async () => {
  upstream = await startUpstream();
  product = await startProduct({ upstream: upstream.url, args: ['--workers', '1'] });
});
after(async () => {
  await product?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const gatewayUrl = (): string => `https://localhost:${product.port('gateway')}/`;
const mode = (path: string): number => statSync(path).mode & 0o777;

async function ok(...args: readonly string[]): Promise<string> {
  const ran = await product.cli(...args);
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
  return ran.stdout;
}

async function fails(code: number, words: RegExp, ...args: readonly string[]): Promise<void> {
  const ran = await product.cli(...args);
  assert.equal(ran.code, code, `${args.join(' ')}: ${ran.stderr}`);
  assert.match(ran.stderr, words);
  assert.equal(ran.stderr.trimEnd().split('\n').length, 1, ran.stderr);
}

test('issue writes NAME.crt, NAME.key and ca.crt, and never over what is there', async () => {
  const out = folder.in('issued');
  const [issued] = await product.json('issue', 'alice', '--out', out, '--days', '2');
  assert.deepEqual(issued?.['files'], [join(out, 'alice.key'), join(out, 'alice.crt'), join(out, 'ca.crt')]);
  assert.equal(mode(join(out, 'alice.key')), 0o600);
  const key = readFileSync(join(out, 'alice.key'), 'utf8');
  await fails(1, /^countersign: .*alice\.crt is there already/u, 'issue', 'alice', '--out', out);
  assert.equal(readFileSync(join(out, 'alice.key'), 'utf8'), key);
  await ok('issue', 'alice', '--out', out, '--force');
  assert.notEqual(readFileSync(join(out, 'alice.key'), 'utf8'), key);
});

test('a server certificate goes to DATA/servers and carries its own name', async () => {
  await ok('issue', 'api.example', '--profile', 'server', '--san', 'ip:10.1.2.3', '--san', 'dns:www.api.example');
  const told = await countersign(['inspect', join(product.data, 'servers/api.example.crt'), '--json']);
  const [leaf] = told.stdout
    .split('\n')
    .map((line) => (line === '' ? {} : JSON.parse(line)) as Record<string, unknown>);
  assert.deepEqual(leaf?.['names'], ['dns:api.example', 'ip:10.1.2.3', 'dns:www.api.example']);
  assert.deepEqual(leaf?.['extendedKeyUsage'], ['serverAuth']);
});

test('a request made elsewhere is certified, and no key is written', { skip: without('openssl') }, async () => {
  const out = folder.in('csr');
  const key = folder.in('elsewhere.key');
  const csr = folder.in('elsewhere.csr');
  const args = [
    'req',
    '-new',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=ignored',
  ];
  assert.equal((await runCommand('openssl', [...args, '-keyout', key, '-out', csr])).code, 0);
  await ok('issue', 'elsewhere', '--csr', csr, '--out', out);
  assert.ok(!existsSync(join(out, 'elsewhere.key')));
  const subject = await runCommand('openssl', ['x509', '-noout', '-subject', '-in', join(out, 'elsewhere.crt')]);
  assert.match(subject.stdout, /CN = elsewhere/u);
});

for (const format of ['modern', 'legacy'] as const) {
  test(
    `a ${format} PKCS#12 file opens in OpenSSL with the password beside it`,
    { skip: without('openssl') },
    async () => {
      const out = folder.in(`p12-${format}`);
      await ok('issue', 'bob', '--out', out, '--p12', '--p12-format', format);
      assert.equal(mode(join(out, 'bob.p12')), 0o600);
      assert.equal(mode(join(out, 'bob.p12.pass')), 0o600);
      const args = ['pkcs12', '-in', join(out, 'bob.p12'), '-passin', `file:${join(out, 'bob.p12.pass')}`, '-nodes'];
      const opened = await runCommand('openssl', [...args, ...(format === 'legacy' ? ['-legacy'] : [])]);
      assert.equal(opened.code, 0, opened.stderr);
      assert.equal(opened.stdout.match(/BEGIN CERTIFICATE/gu)?.length, 3);
      assert.match(opened.stdout, /BEGIN PRIVATE KEY/u);
    },
  );
}

test('issue writes the forms that are asked for and no others, and no key in the clear beside PKCS#12', async () => {
  const out = folder.in('forms');
  const [issued] = await product.json('issue', 'form', '--out', out, '--format', 'p12', '--format', 'der');
  const names = ['form.p12', 'form.p12.pass', 'form.key.der', 'form.cer', 'form.p7b', 'ca.cer'];
  assert.deepEqual(
    issued?.['files'],
    names.map((name) => join(out, name)),
  );
  assert.deepEqual(readdirSync(out).toSorted(), names.toSorted());
  await fails(1, /^countersign: .*form\.p12 is there already/u, 'issue', 'form', '--out', out, '--format', 'p12');
  await fails(2, /needs the key/u, 'issue', 'form', '--out', out, '--format', 'kubernetes', '--csr', 'x.csr');
  await fails(2, /--namespace goes with --format kubernetes/u, 'issue', 'form', '--out', out, '--namespace', 'a');
});

test('enroll and renew write a Kubernetes secret and PKCS#12 as well', async () => {
  const out = folder.in('enrolled-forms');
  const args = ['enroll', '--token-file', '-', '--out', out, '--format', 'pem', '--format', 'kubernetes'];
  const token = await ok('token', 'pod');
  const enrolled = await countersign([...args, '--secret-name', 'pod-tls'], { input: token });
  assert.equal(enrolled.code, 0, enrolled.stderr);
  const held = (): { key: string; certificate: X509Certificate } => {
    const manifest = readFileSync(join(out, 'pod.secret.yaml'), 'utf8');
    assert.match(manifest, /^ {2}name: pod-tls$/mu);
    const part = (name: string): string =>
      Buffer.from(new RegExp(`^  ${name}: (\\S+)$`, 'mu').exec(manifest)?.[1] ?? '', 'base64').toString();
    return { key: part('tls.key'), certificate: new X509Certificate(part('tls.crt')) };
  };
  const first = held();
  assert.equal(first.key, readFileSync(join(out, 'pod.key'), 'utf8'));
  assert.ok(first.certificate.checkPrivateKey(createPrivateKey(first.key)));

  const files = ['--cert', join(out, 'pod.crt'), '--key', join(out, 'pod.key')];
  const forms = ['--format', 'kubernetes', '--format', 'p12', '--secret-name', 'pod-tls'];
  await ok('renew', ...files, ...forms);
  const second = held();
  assert.equal(second.key, readFileSync(join(out, 'pod.key'), 'utf8'));
  assert.notEqual(second.certificate.serialNumber, first.certificate.serialNumber);
  const password = readFileSync(join(out, 'pod.p12.pass'), 'utf8');
  await ok('renew', ...files, ...forms);
  assert.equal(readFileSync(join(out, 'pod.p12.pass'), 'utf8'), password);
  assert.equal(mode(join(out, 'pod.secret.yaml')), 0o600);
});

test('list and show tell of every certificate what the contract names', async () => {
  await ok('issue', 'carol');
  const listed = await product.json('list', '--name', 'carol');
  assert.equal(listed.length, 1);
  for (const record of [listed[0], (await product.json('show', 'carol'))[0]]) {
    assert.equal(record?.['name'], 'carol');
    assert.equal(record?.['profile'], 'client');
    assert.equal(record?.['status'], 'valid');
    assert.match(String(record?.['serial']), /^[0-9a-f]{30,32}$/u);
    assert.match(String(record?.['fingerprintSha256']), /^[0-9a-f]{64}$/u);
    assert.match(String(record?.['issuer']), /^CN=/u);
    assert.ok(Date.parse(String(record?.['notBefore'])) < Date.now());
    assert.ok(Date.parse(String(record?.['notAfter'])) > Date.now() + 89 * 86_400_000);
    const clients = join(product.data, 'clients');
    assert.deepEqual(record?.['files'], [join(clients, 'carol.crt'), join(clients, 'carol.key')]);
  }
  await ok('revoke', 'carol', '--reason', 'superseded');
  const [revoked] = await product.json('list', '--name', 'carol', '--status', 'revoked');
  assert.equal(revoked?.['reason'], 'superseded');
});

test(
  'an enrollment token works once, for its name, with a key made at the holder',
  { skip: without('curl') },
  async () => {
    const token = (await ok('token', 'dave')).trim();
    assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/u);
    const out = folder.in('enrolled');
    const enrolled = await countersign(['enroll', '--token-file', '-', '--out', out], { input: token });
    assert.equal(enrolled.code, 0, enrolled.stderr);
    assert.equal(mode(join(out, 'dave.key')), 0o600);
    const files = { ca: join(out, 'ca.crt'), cert: join(out, 'dave.crt'), key: join(out, 'dave.key') };
    assert.equal((await curl(gatewayUrl(), files)).status, 200);
    const again = await countersign(['enroll', '--token-file', '-', '--out', folder.in('again')], { input: token });
    assert.equal(again.code, 1);
    assert.match(again.stderr, /^countersign: the authority refuses: .*token_used.*\n$/u);
  },
);

test('a token is told to the wrong authority by nobody: another root is refused before anything is sent', async () => {
  await using other = await startProduct({ args: ['--workers', '1'] });
  const token = (await ok('token', 'erin')).trim();
  const args = ['enroll', '--token-file', '-', '--out', folder.in('erin'), '--url', `https://${other.ready.authority}`];
  const refused = await countersign(args, { input: token });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /shows another chain/u);
  // Nothing was sent: the token is still good where it is from.
  const enrolled = await countersign(['enroll', '--token-file', '-', '--out', folder.in('erin')], { input: token });
  assert.equal(enrolled.code, 0, enrolled.stderr);
});

test('revoking a name closes its open tokens', async () => {
  const token = (await ok('token', 'frank')).trim();
  await ok('issue', 'frank');
  assert.match(await ok('revoke', 'frank'), /closed 1 open enrollment token/u);
  const args = ['enroll', '--token-file', '-', '--out', folder.in('frank')];
  assert.equal((await countersign(args, { input: token })).code, 1);
});

test(
  'renew replaces certificate and key in place, and runs the command after it',
  { skip: without('curl') },
  async () => {
    await ok('issue', 'grace');
    const files = product.client('grace');
    const before = readFileSync(files.key, 'utf8');
    const note = folder.in('renewed');
    await ok('renew', '--cert', files.cert, '--key', files.key, '--exec', `echo "$COUNTERSIGN_CERT" > ${note}`);
    assert.notEqual(readFileSync(files.key, 'utf8'), before);
    assert.equal(mode(files.key), 0o600);
    assert.equal(readFileSync(note, 'utf8'), `${files.cert}\n`);
    assert.equal((await curl(gatewayUrl(), files)).status, 200);
  },
);

test("a server's certificate renews itself, and keeps its names", async () => {
  const out = folder.in('servers');
  await ok('issue', 'renewed.example', '--profile', 'server', '--san', 'ip:192.0.2.7', '--out', out);
  const [cert, key] = [join(out, 'renewed.example.crt'), join(out, 'renewed.example.key')];
  const before = new X509Certificate(readFileSync(cert));
  await ok('renew', '--cert', cert, '--key', key);
  const after = new X509Certificate(readFileSync(cert));
  assert.notEqual(after.serialNumber, before.serialNumber);
  assert.equal(after.subjectAltName, before.subjectAltName);
  assert.ok(after.checkPrivateKey(createPrivateKey(readFileSync(key))));
});

test('what was ever revoked cannot renew', async () => {
  await ok('issue', 'heidi');
  const files = product.client('heidi');
  await ok('revoke', 'heidi', '--reason', 'keyCompromise');
  const url = `https://${product.ready.authority}`;
  await fails(1, /^countersign: /u, 'renew', '--cert', files.cert, '--key', files.key, '--url', url);
});

test('renew --daemon renews at two thirds of the lifetime', async () => {
  const out = folder.in('daemon');
  // Back-dated by five minutes: two thirds of its life are over within seconds.
  const until = new Date(Date.now() + 155_000).toISOString();
  const [first] = await product.json('issue', 'ivan', '--out', out, '--not-after', until);
  const cert = join(out, 'ivan.crt');
  const args = ['renew', '--cert', cert, '--key', join(out, 'ivan.key'), '--url', `https://${product.ready.authority}`];
  await using daemon = await startProduct({ command: [...args, '--daemon'], data: product.data });
  const deadline = Date.now() + 60_000;
  while (!daemon.stdout().includes('"event":"renewed"')) {
    assert.ok(Date.now() < deadline, daemon.stdout() + daemon.stderr());
    await new Promise((resolve) => daemon.child.stdout?.once('data', resolve));
  }
  const shown = await countersign(['inspect', cert, '--json']);
  const leaf = JSON.parse(shown.stdout.split('\n')[0] ?? '') as Record<string, unknown>;
  assert.notEqual(leaf['serial'], first?.['serial']);
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
});

test('an admin certificate does over --url what the socket does', async () => {
  await ok('issue', 'root-of-ops', '--profile', 'admin');
  const { cert, key } = product.client('root-of-ops');
  const remote = ['--url', `https://${product.ready.authority}`, '--cert', cert, '--key', key];
  const listed = await countersign(['list', '--json', '--name', 'demo', ...remote]);
  assert.equal(listed.code, 0, listed.stderr);
  assert.equal((JSON.parse(listed.stdout) as { name: string }).name, 'demo');
  const { cert: plain, key: plainKey } = product.client('demo');
  const asDemo = ['--url', `https://${product.ready.authority}`, '--cert', plain, '--key', plainKey];
  const refused = await countersign(['list', ...asDemo]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /forbidden/u);
});

test(
  "an admin's certificate opens no door of the gateway that does not name the profile",
  { skip: without('curl') },
  async () => {
    await ok('issue', 'ops', '--profile', 'admin');
    const answer = await curl(gatewayUrl(), product.client('ops'));
    assert.equal(answer.status, 403);
    assert.equal((JSON.parse(answer.body) as { code: string }).code, 'not_allowed');
  },
);

test('wrong usage is exit 2, one line, and asks nobody', async () => {
  await fails(2, /did you mean/u, 'isue', 'x');
  await fails(2, /^countersign: /u, 'issue');
  await fails(2, /only one of/u, 'issue', 'x', '--days', '1', '--hours', '1');
  await fails(
    2,
    /lies before/u,
    'issue',
    'x',
    '--not-before',
    '2027-01-02T00:00:00Z',
    '--not-after',
    '2027-01-01T00:00:00Z',
  );
  await fails(2, /is not a name/u, 'issue', 'x', '--san', 'x.example');
  await fails(2, /can't be a name/u, 'issue', '../x');
  await fails(2, /can't be read/u, 'issue', 'x', '--csr', '/no/such/file');
  writeFileSync(folder.in('no.csr'), 'hello\n');
  await fails(2, /no\.csr holds no certificate request/u, 'issue', 'x', '--csr', folder.in('no.csr'));
  await fails(2, /can't be read \(ENOENT\)/u, 'restore', '/no/such/file');
  await fails(1, /The file cannot be written: \/no\/such\/folder\/b/u, 'backup', '--out', '/no/such/folder/b');
  await fails(2, /because/u, 'revoke', 'x', '--reason', 'because');
  await fails(2, /--url needs/u, 'list', '--url', 'https://127.0.0.1:1');
});

test('a lifetime beyond the issuing CA is shortened, and said', async () => {
  const ran = await product.cli('issue', 'eternal', '--days', '9000');
  assert.equal(ran.code, 0);
  assert.match(ran.stderr, /^countersign: shortened to \S+Z, when its issuing CA's certificate ends\n$/u);
});

test('a backup made while it runs restores into another folder: same CAs, same certificates', async () => {
  const file = folder.in('backup');
  await ok('backup', '--out', file);
  assert.equal(mode(file), 0o600);
  await fails(1, /exists already/u, 'backup', '--out', file);
  const D = folder.in('restored');
  const secret = join(product.data, 'secrets/passphrase');
  const restored = await countersign(['restore', file, '--data', D, '--passphrase-file', secret]);
  assert.equal(restored.code, 0, restored.stderr);
  assert.equal(readFileSync(join(D, 'ca/root.crt'), 'utf8'), readFileSync(join(product.data, 'ca/root.crt'), 'utf8'));
  const env = { COUNTERSIGN_PASSPHRASE: readFileSync(secret, 'utf8').trim() };
  writeFileSync(folder.in('authority.yaml'), 'listen: 127.0.0.1:0\nhttp: 127.0.0.1:0\n');
  const command = ['authority', '--config', folder.in('authority.yaml'), '--data', D];
  await using authority = await startProduct({ command, data: D, env });
  assert.equal((await authority.json('list', '--name', 'demo')).length, 1);
});

test('the root goes offline, and its next CRL is signed from the exported key', async () => {
  await using alone = await startProduct({ args: ['--workers', '1'] });
  const exported = folder.in('root.key');
  const cli = async (...args: readonly string[]): Promise<void> => {
    const ran = await alone.cli(...args);
    assert.equal(ran.code, 0, ran.stderr);
  };
  await cli('root', 'export', '--out', exported);
  assert.equal(mode(exported), 0o600);
  await cli('root', 'remove', '--exported', exported);
  assert.ok(!existsSync(join(alone.data, 'ca/root.key')));
  assert.doesNotMatch((await alone.cli('status')).stdout, /root export/u);
  const without = await alone.cli('root', 'crl');
  assert.equal(without.code, 1);
  await cli('root', 'crl', '--key', exported);
  const told = await countersign(['inspect', join(alone.data, 'ca/root.crl'), '--json']);
  assert.ok(Date.parse((JSON.parse(told.stdout) as { nextUpdate: string }).nextUpdate) > Date.now() + 380 * 86_400_000);
  await cli('issue', 'without-root');
});

test(
  'a CRL over plain HTTP tells what was revoked, and OpenSSL agrees',
  { skip: without('curl', 'openssl') },
  async () => {
    await ok('issue', 'judy');
    await ok('revoke', 'judy');
    const leaf = await countersign(['inspect', product.client('judy').cert, '--json']);
    const { crl } = JSON.parse(leaf.stdout.split('\n')[0] ?? '') as { crl: string[] };
    const url = (crl[0] ?? '').replace(/^uri:/u, '');
    const file = folder.in('issuing.crl');
    assert.equal((await runCommand('curl', ['-sSf', '-o', file, url])).code, 0);
    const text = await runCommand('openssl', ['crl', '-inform', 'DER', '-in', file, '-noout', '-text']);
    assert.equal(text.code, 0, text.stderr);
    const [record] = await product.json('show', 'judy');
    assert.ok(text.stdout.toLowerCase().includes(String(record?.['serial'])));
  },
);
