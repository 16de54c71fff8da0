import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { runCommand, without } from '@countersign/testkit';
import { buildOcspRequest, parseCertificate, pemDecodeOne } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { interopTest } from '../support/interop.ts';
import type { InteropTest, IssuedFiles } from '../support/interop.ts';

const javaProgram = fileURLToPath(new URL('fixtures/OcspOnly.java', import.meta.url));

describe('the OCSP answers', () => {
  let test: InteropTest;
  let good: IssuedFiles;
  let revoked: IssuedFiles;
  before(async () => {
    test = await interopTest();
    [good, revoked] = [await test.issued('good'), await test.issued('revoked')];
    await test.revoke(revoked.serial);
  });
  after(() => test[Symbol.asyncDispose]());

  const openssl = (args: readonly string[]) =>
    runCommand('openssl', [
      'ocsp',
      '-CAfile',
      test.root,
      '-verify_other',
      test.issuer,
      '-issuer',
      test.issuer,
      ...args,
    ]);

  for (const nonce of ['-no_nonce', '-nonce']) {
    it(`are verified by openssl ocsp (${nonce})`, { skip: without('openssl') }, async () => {
      const asked = await openssl([nonce, '-cert', good.cert, '-url', test.ocsp]);
      assert.match(asked.stdout, /good\.crt: good/u);
      assert.match(asked.stderr, /Response verify OK/u);
      const refused = await openssl([nonce, '-cert', revoked.cert, '-url', test.ocsp]);
      assert.match(refused.stdout, /revoked\.crt: revoked[^]*Reason: keyCompromise/u);
      assert.match(refused.stderr, /Response verify OK/u);
    });
  }

  it(
    'are verified by openssl ocsp for several certificates at once, by SHA-256 too',
    { skip: without('openssl') },
    async () => {
      const asked = await openssl([
        '-cert',
        good.cert,
        '-sha256',
        '-cert',
        revoked.cert,
        '-serial',
        '0x1234',
        '-url',
        test.ocsp,
      ]);
      assert.match(asked.stdout, /good\.crt: good[^]*revoked\.crt: revoked[^]*0x1234: unknown/u);
      assert.match(asked.stderr, /Response verify OK/u);
    },
  );

  it(
    'are verified by openssl ocsp when curl has fetched them by GET',
    { skip: without('openssl', 'curl') },
    async () => {
      const parse = (file: string) => parseCertificate(pemDecodeOne(readFileSync(file, 'utf8'), 'CERTIFICATE'));
      const request = buildOcspRequest([parse(good.cert)], parse(test.issuer), nodeCrypto);
      const file = test.folder.in('answer.der');
      const url = `${test.ocsp}/${encodeURIComponent(Buffer.from(request).toString('base64'))}`;
      assert.equal((await runCommand('curl', ['-sSf', '-o', file, url])).code, 0);
      const asked = await openssl(['-no_nonce', '-respin', file, '-cert', good.cert]);
      assert.match(asked.stdout, /good\.crt: good/u);
      assert.match(asked.stderr, /Response verify OK/u);
    },
  );

  for (const nonce of ['--no-nonce', '--nonce']) {
    it(`are verified by GnuTLS ocsptool (${nonce})`, { skip: without('ocsptool') }, async () => {
      const ask = (cert: string) =>
        runCommand('ocsptool', [
          '--ask',
          nonce,
          '--load-cert',
          cert,
          '--load-issuer',
          test.issuer,
          '--load-trust',
          test.issuer,
        ]);
      const asked = await ask(good.cert);
      assert.equal(asked.code, 0, asked.stdout + asked.stderr);
      assert.match(asked.stdout, /Certificate Status: good[^]*Verifying OCSP Response: Success/u);
      const refused = await ask(revoked.cert);
      assert.match(refused.stdout, /Certificate Status: revoked/u);
      assert.match(refused.stdout, /Verifying OCSP Response: Success/u);
    });
  }

  it("are what Java's PKIXRevocationChecker goes by", { skip: without('java', 'javac') }, async () => {
    const chain = test.folder.in('java.chain');
    const ask = async (cert: string) => {
      writeFileSync(chain, readFileSync(cert, 'utf8') + readFileSync(test.issuer, 'utf8'));
      return runCommand('java', [javaProgram, chain, test.root], { timeoutMs: 120_000 });
    };
    const asked = await ask(good.cert);
    assert.equal(asked.stdout.trim(), 'valid', asked.stderr);
    const refused = await ask(revoked.cert);
    assert.equal(refused.stdout.trim(), 'REVOKED', refused.stderr);
  });
});
