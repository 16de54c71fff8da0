import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parseCertsOnly } from '@countersign/pki';
import { createRoot, runCommand, temporaryFolder, without } from '@countersign/testkit';
import type { TemporaryFolder, TestCertificate } from '@countersign/testkit';
import { parse } from 'yaml';
import { identityFiles } from '../../src/identity/files.ts';
import { formatWish } from '../../src/identity/format-wish.ts';
import type { FormatFlags } from '../../src/identity/format-wish.ts';
import { writeFormats } from '../../src/identity/formats.ts';
import { Readable } from 'node:stream';

const context = { cwd: '/', stdin: Readable.from(['from stdin\n']) };

describe('an identity in the form of its user', () => {
  let folder: TemporaryFolder;
  let leaf: TestCertificate;
  let text: { cert: string; ca: string; key: string };
  before(async () => {
    folder = temporaryFolder();
    const root = await createRoot('Root');
    const issuing = await root.issueCa('Issuing');
    leaf = await issuing.issueServer('web.example');
    text = { cert: leaf.pem + issuing.pem, ca: root.pem, key: leaf.keyPem };
  });
  after(() => folder[Symbol.dispose]());

  async function write(place: string, given: FormatFlags, name = 'web.example'): Promise<readonly string[]> {
    const wish = await formatWish(context, given, name);
    return writeFormats(identityFiles(folder.in(place), name), text, wish, 'never');
  }
  const at = (...path: readonly string[]): Buffer => readFileSync(folder.in(...path));
  const run = async (program: string, ...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCommand(program, args, { cwd: folder.path });
    assert.equal(code, 0, stderr);
    return stdout;
  };

  test('is in files of which those with a key are readable by their owner alone', async () => {
    await write('modes', { format: ['pem', 'der', 'p12', 'kubernetes', 'der'] });
    const found = readdirSync(folder.in('modes')).map((file) => {
      const { mode } = statSync(folder.in('modes', file));
      return `${file} ${(mode & 0o777).toString(8)}`;
    });
    assert.deepEqual(found.toSorted(), [
      'ca.cer 644',
      'ca.crt 644',
      'web.example.cer 644',
      'web.example.crt 644',
      'web.example.key 600',
      'web.example.key.der 600',
      'web.example.p12 600',
      'web.example.p12.pass 600',
      'web.example.p7b 644',
      'web.example.secret.yaml 600',
    ]);
    await assert.rejects(write('modes', { format: ['kubernetes'] }), { code: 'file_exists' });
  });

  test('as DER: certificate, key, the certificates as PKCS#7, the root', async () => {
    await write('der', { format: ['der'] });
    const certificate = new X509Certificate(at('der', 'web.example.cer'));
    assert.deepEqual(certificate.raw, Buffer.from(leaf.der));
    const key = createPrivateKey({ key: at('der', 'web.example.key.der'), format: 'der', type: 'pkcs8' });
    assert.ok(certificate.checkPrivateKey(key));
    assert.equal(parseCertsOnly(at('der', 'web.example.p7b')).certificates.length, 2);
    assert.deepEqual(new X509Certificate(at('der', 'ca.cer')).raw, new X509Certificate(text.ca).raw);
  });

  test('as DER openssl reads it', { skip: without('openssl') }, async () => {
    await write('openssl', { format: ['der'] });
    const file = (name: string): string[] => ['-inform', 'DER', '-in', folder.in('openssl', name)];
    const ofKey = await run('openssl', 'pkey', ...file('web.example.key.der'), '-pubout');
    assert.equal(ofKey, await run('openssl', 'x509', ...file('web.example.cer'), '-noout', '-pubkey'));
    const listed = await run('openssl', 'pkcs7', ...file('web.example.p7b'), '-print_certs', '-noout');
    assert.equal(listed.match(/^subject=/gmu)?.length, 2);
  });

  test('as a Kubernetes secret it is YAML with everything in it, under a name that Kubernetes takes', async () => {
    await write('k8s', { format: ['kubernetes'], namespace: 'prod' }, 'Web_01.Example');
    const manifest = parse(at('k8s', 'Web_01.Example.secret.yaml').toString()) as Record<string, unknown>;
    const base64 = (part: string): string => Buffer.from(part).toString('base64');
    assert.deepEqual(manifest, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'web-01.example', namespace: 'prod' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': base64(text.cert), 'tls.key': base64(text.key), 'ca.crt': base64(text.ca) },
    });
  });

  test('names that YAML takes for something else stay texts', async () => {
    for (const secretName of ['on', '123', '1e3', 'null', '0x1', 'y']) {
      const wish = await formatWish(context, { format: ['kubernetes'], secretName, namespace: 'no' }, 'x');
      const files = identityFiles(folder.in(`yaml-${secretName}`), 'x');
      await writeFormats(files, text, wish, 'never');
      for (const version of ['1.1', '1.2'] as const) {
        const { metadata } = parse(readFileSync(files.secret, 'utf8'), { version }) as { metadata: unknown };
        assert.deepEqual(metadata, { name: secretName, namespace: 'no' });
      }
    }
  });

  test('what Kubernetes takes for no name is a mistake of usage', async () => {
    for (const [name, given] of [
      ['a', { secretName: 'A' }],
      ['a', { secretName: 'a..b' }],
      ['a', { secretName: 'a'.repeat(254) }],
      ['-', {}],
      ['a', { namespace: 'a.b' }],
      ['a', { namespace: 'a'.repeat(64) }],
      ['a', { namespace: '' }],
    ] as const) {
      const format = ['kubernetes'] as const;
      await assert.rejects(formatWish(context, { format, ...given }, name), { code: 'usage', exit: 2 });
    }
  });

  test('flags that go with another form are a mistake of usage', async () => {
    for (const given of [
      { p12PasswordFile: 'x' },
      { p12Format: 'legacy' },
      { format: ['p12'], secretName: 'a' },
      { format: ['der'], namespace: 'a' },
    ] as const) {
      await assert.rejects(formatWish(context, given, 'a'), { code: 'usage', exit: 2 });
    }
  });

  test(
    'as PKCS#12 it opens with the password of a file or of standard input',
    { skip: without('openssl') },
    async () => {
      writeFileSync(folder.in('password'), 'from a file\n');
      for (const [place, file, password] of [
        ['p12-file', folder.in('password'), 'from a file'],
        ['p12-stdin', '-', 'from stdin'],
      ] as const) {
        const written = await write(place, { format: ['p12'], p12PasswordFile: file });
        assert.deepEqual(written, [folder.in(place, 'web.example.p12')]);
        writeFileSync(folder.in('again'), password);
        const opened = await run('openssl', 'pkcs12', '-in', written[0] ?? '', '-passin', 'file:again', '-nodes');
        assert.equal(opened.match(/BEGIN CERTIFICATE/gu)?.length, 3);
        assert.match(opened, /friendlyName: web\.example/u);
        assert.match(opened, /BEGIN PRIVATE KEY/u);
      }
      writeFileSync(folder.in('empty'), '\n');
      const given = { format: ['p12'], p12PasswordFile: folder.in('empty') } as const;
      await assert.rejects(formatWish(context, given, 'a'), { code: 'usage', exit: 2 });
    },
  );

  test("as PKCS#12 Java's keytool reads it", { skip: without('keytool') }, async () => {
    await write('java', { format: ['p12'] });
    const store = ['-storetype', 'PKCS12', '-keystore', folder.in('java', 'web.example.p12')];
    const pass = ['-storepass:file', folder.in('java', 'web.example.p12.pass')];
    const listed = await run('keytool', '-list', '-v', ...store, ...pass);
    assert.match(listed, /Alias name: web\.example/u);
    assert.match(listed, /Certificate chain length: 3/u);
  });

  test(
    'as PKCS#12 NSS (Firefox, Chromium on Linux) imports it',
    { skip: without('certutil', 'pk12util') },
    async () => {
      await write('nss', { format: ['p12'] });
      mkdirSync(folder.in('db'));
      const database = ['-d', `sql:${folder.in('db')}`];
      await run('certutil', '-N', ...database, '--empty-password');
      const pass = ['-w', folder.in('nss', 'web.example.p12.pass'), '-K', ''];
      await run('pk12util', '-i', folder.in('nss', 'web.example.p12'), ...database, ...pass);
      assert.match(await run('certutil', '-L', ...database), /^web\.example +u,u,u/mu);
    },
  );
});
