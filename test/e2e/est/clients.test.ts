// Programs that know nothing of us enroll and renew by EST.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  countersign,
  peer,
  repository,
  runCommand,
  startProduct,
  temporaryFolder,
  without,
  type Product,
  type TemporaryFolder,
} from '@countersign/testkit';

describe('EST', () => {
  let product: Product;
  let folder: TemporaryFolder;
  let root: string;
  let url: string;
  const file = (name: string): string => join(folder.path, name);

  before(async () => {
    folder = temporaryFolder('countersign-est-');
    writeFileSync(join(folder.path, 'start.yaml'), 'est: { serverKeygen: { device: { key: p256 } } }\n');
    product = await startProduct({ args: ['--config', join(folder.path, 'start.yaml')] });
    root = join(product.data, 'ca/root.crt');
    url = `https://localhost:${product.port('authority')}/.well-known/est`;
  });
  after(async () => {
    await product[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  async function run(program: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runCommand(program, args);
    assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr}`);
    return stdout;
  }
  const openssl = (...args: readonly string[]): Promise<string> => run('openssl', ...args);
  const curl = (...args: readonly string[]): Promise<string> =>
    run('curl', '-q', '-sS', '--fail-with-body', '--max-time', '20', '--cacert', root, ...args);

  async function token(name: string): Promise<string> {
    const { code, stdout, stderr } = await countersign(['token', name, '--profile', 'device', '--data', product.data]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  }

  /** Whether OpenSSL builds the path of a certificate with what cacerts gives. */
  async function verify(certificate: string): Promise<void> {
    await curl('-o', file('cacerts.b64'), `${url}/cacerts`);
    await openssl('base64', '-d', '-in', file('cacerts.b64'), '-out', file('cacerts.p7'));
    const cas = await openssl('pkcs7', '-inform', 'DER', '-in', file('cacerts.p7'), '-print_certs');
    writeFileSync(file('cas.pem'), cas);
    await openssl('verify', '-purpose', 'sslclient', '-CAfile', root, '-untrusted', file('cas.pem'), certificate);
  }

  test(
    'curl and openssl alone enroll with a token, and renew with the certificate',
    { skip: without('curl', 'openssl') },
    async () => {
      // What docs/est.md shows.
      const request = async (n: number): Promise<string> => {
        const key = file(`pump-${n}.key`);
        await openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key);
        await openssl('req', '-new', '-key', key, '-subj', '/CN=pump', '-outform', 'DER', '-out', file('pump.csr'));
        await openssl('base64', '-in', file('pump.csr'), '-out', file('pump.b64'));
        return key;
      };
      const take = async (n: number): Promise<string> => {
        const crt = file(`pump-${n}.crt`);
        await openssl('base64', '-d', '-in', file('answer.b64'), '-out', file('answer.p7'));
        const printed = await openssl('pkcs7', '-inform', 'DER', '-in', file('answer.p7'), '-print_certs');
        writeFileSync(crt, printed);
        return crt;
      };
      const send = (operation: string, ...args: readonly string[]): Promise<string> =>
        curl(
          '-H',
          'Content-Type: application/pkcs10',
          '--data-binary',
          `@${file('pump.b64')}`,
          '-o',
          file('answer.b64'),
          ...args,
          `${url}/device/${operation}`,
        );

      writeFileSync(file('curlrc'), `user = "pump:${await token('pump')}"\n`, { mode: 0o600 });
      const firstKey = await request(1);
      await send('simpleenroll', '-K', file('curlrc'));
      const first = await take(1);
      await verify(first);

      const secondKey = await request(2);
      await send('simplereenroll', '--cert', first, '--key', firstKey);
      const second = await take(2);
      await verify(second);
      const [before, renewed] = [first, second].map((path) => new X509Certificate(readFileSync(path)));
      assert.equal(renewed?.subject, 'CN=pump');
      assert.notEqual(renewed.serialNumber, before?.serialNumber);

      const revoked = await countersign(['revoke', renewed.serialNumber, '--data', product.data]);
      assert.equal(revoked.code, 0, revoked.stderr);
      await request(3);
      const args = [
        '-K',
        file('curlrc'),
        '--cert',
        second,
        '--key',
        secondKey,
        '-H',
        'Content-Type: application/pkcs10',
      ];
      const refused = await runCommand('curl', [
        '-q',
        '-sS',
        '--cacert',
        root,
        ...args,
        '--data-binary',
        `@${file('pump.b64')}`,
        `${url}/simplereenroll`,
      ]);
      assert.match(refused.stdout, /^revoked: it was revoked/u);
    },
  );

  test(
    'curl and openssl alone get a key that the server made, and it fits the certificate',
    { skip: without('curl', 'openssl') },
    async () => {
      const out = file('keygen');
      const enrolled = await countersign(['enroll', '--token-file', '-', '--out', out], {
        input: await token('pump'),
      });
      assert.equal(enrolled.code, 0, enrolled.stderr);
      copyFileSync(root, join(out, 'root.crt'));
      const page = readFileSync(join(repository, 'docs/est.md'), 'utf8');
      const shown = /```sh serverkeygen\n(?<script>[\s\S]+?)```/u.exec(page)?.groups?.['script'] ?? '';
      const script = shown.replace('https://HOST:8443/.well-known/est', url);
      assert.notEqual(script, shown);
      const ran = await runCommand('sh', ['-e', '-u', '-c', script], { cwd: out });
      assert.equal(ran.code, 0, ran.stderr);
      const certificate = new X509Certificate(readFileSync(join(out, 'new.crt')));
      assert.equal(certificate.subject, 'CN=pump');
      assert.ok(certificate.checkPrivateKey(createPrivateKey(readFileSync(join(out, 'new.key')))));
      assert.equal(statSync(join(out, 'new.key')).mode & 0o777, 0o600);
      await verify(join(out, 'new.crt'));
    },
  );

  const noCompiler = without('gcc') !== false || !existsSync('/usr/include/mbedtls/ssl.h');
  test(
    'a device in C on Mbed TLS enrolls with a token, and renews with the certificate',
    { skip: noCompiler && withoutMbedTls() },
    async () => {
      const program = file('est-client');
      const source = join(dirname(import.meta.filename), 'est-client.c');
      const flags = ['-Wall', '-Wextra', '-Werror', '-O1'];
      await run(peer('gcc') ?? 'gcc', ...flags, '-o', program, source, '-lmbedtls', '-lmbedx509', '-lmbedcrypto');
      writeFileSync(file('valve.token'), `${await token('valve')}\n`, { mode: 0o600 });
      const where = ['localhost', String(product.port('authority')), root, 'valve'];
      await run(program, ...where, file('valve-1.key'), file('valve-1.crt'), 'token', file('valve.token'));
      await verify(file('valve-1.crt'));
      const old = [file('valve-1.crt'), file('valve-1.key')];
      await run(program, ...where, file('valve-2.key'), file('valve-2.crt'), 'renew', ...old);
      await verify(file('valve-2.crt'));
      assert.equal(new X509Certificate(readFileSync(file('valve-2.crt'))).subject, 'CN=valve');

      const again = await runCommand(program, [...where, file('x.key'), file('x.crt'), 'token', file('valve.token')]);
      assert.equal(again.code, 1);
      assert.match(again.stderr, /^token_used: /u);
    },
  );
});

/** The reason for the skip, or an error where every peer is required. */
function withoutMbedTls(): string {
  const reason = 'not installed here: gcc, libmbedtls-dev';
  if (process.env['COUNTERSIGN_REQUIRE_PEERS'] === '1') throw new Error(reason);
  return reason;
}
