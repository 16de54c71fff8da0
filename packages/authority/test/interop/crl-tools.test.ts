import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { runCommand, without } from '@countersign/testkit';
import { interopTest } from '../support/interop.ts';
import type { InteropTest, IssuedFiles } from '../support/interop.ts';

const javaProgram = fileURLToPath(new URL('fixtures/CrlOnly.java', import.meta.url));

describe('the CRLs', () => {
  let test: InteropTest;
  let good: IssuedFiles;
  let revoked: IssuedFiles;
  /** The root's and the full one, from after the revocation. */
  let chainCrls: string;
  before(async () => {
    test = await interopTest();
    [good, revoked] = [await test.issued('good'), await test.issued('revoked')];
    await test.revoke(revoked.serial);
    chainCrls = await test.crls('chain', 'root', 'issuing-1');
  });
  after(() => test[Symbol.asyncDispose]());

  const openssl = (cert: string, ...args: readonly string[]) =>
    runCommand('openssl', ['verify', '-CAfile', test.root, '-untrusted', test.issuer, ...args, cert]);

  async function letsInOnlyTheGood(verify: (files: IssuedFiles) => ReturnType<typeof openssl>): Promise<void> {
    const asked = await verify(good);
    assert.match(asked.stdout, /good\.crt: OK/u, asked.stderr);
    assert.equal(asked.code, 0);
    const refused = await verify(revoked);
    assert.match(refused.stderr, /error 23 at 0 depth lookup: certificate revoked/u);
    assert.notEqual(refused.code, 0);
  }

  it(
    'are gone by in openssl verify -crl_check_all: the whole chain by the full one',
    { skip: without('openssl') },
    () => letsInOnlyTheGood(({ cert }) => openssl(cert, '-crl_check_all', '-CRLfile', chainCrls)),
  );

  for (const extended of [[], ['-extended_crl']]) {
    it(
      `are gone by in openssl verify ${extended.join(' ')}: each certificate by its own partition, and by no other`,
      { skip: without('openssl') },
      async () => {
        await letsInOnlyTheGood(async ({ cert, crl }) => {
          const own = await test.crls(`own-${crl.replace('/', '-')}`, 'root', crl);
          return openssl(cert, '-crl_check_all', ...extended, '-CRLfile', own);
        });
        const other = `issuing-1/${(Number(revoked.crl.split('/')[1]) + 1) % 128}`;
        const wrong = await test.crls('wrong', 'root', other);
        const told = await openssl(revoked.cert, '-crl_check_all', ...extended, '-CRLfile', wrong);
        // OpenSSL takes the next best, and says that it does not cover the certificate.
        assert.match(told.stderr, /different CRL scope|unable to get certificate CRL/u);
        assert.notEqual(told.code, 0);
      },
    );
  }

  it(
    'are what openssl verify -crl_download fetches from where the certificate says',
    { skip: without('openssl') },
    () => letsInOnlyTheGood(({ cert }) => openssl(cert, '-crl_check', '-crl_download')),
  );

  it(
    'tell openssl verify -use_deltas by an older full one and the delta what is so now',
    { skip: without('openssl') },
    async () => {
      const [late, held] = [await test.issued('late'), await test.issued('held')];
      await test.revoke(held.serial, 'certificateHold');
      const before = await test.crls('before', 'root', 'issuing-1');
      await test.revoke(late.serial);
      await test.release(held.serial);
      const delta = await test.crls('delta', 'issuing-1/delta');
      const files = ['-crl_check_all', '-extended_crl', '-CRLfile', before, '-CRLfile', delta];
      assert.equal((await openssl(late.cert, ...files)).code, 0, 'the full one of before does not know');
      assert.match((await openssl(late.cert, '-use_deltas', ...files)).stderr, /certificate revoked/u);
      assert.match((await openssl(held.cert, ...files)).stderr, /certificate revoked/u);
      assert.equal((await openssl(held.cert, '-use_deltas', ...files)).code, 0, 'the hold was released');
      assert.equal((await openssl(good.cert, '-use_deltas', ...files)).code, 0);
      assert.match((await openssl(revoked.cert, '-use_deltas', ...files)).stderr, /certificate revoked/u);
    },
  );

  it('are read by openssl crl with their numbers, reasons and scopes', { skip: without('openssl') }, async () => {
    const text = async (...names: string[]) =>
      (await runCommand('openssl', ['crl', '-noout', '-text', '-in', await test.crls('shown', ...names)])).stdout;
    const partition = await text(revoked.crl);
    assert.match(partition, /X509v3 Issuing Distribution Point: critical\s+Full Name:\s+URI:http:/u);
    assert.match(partition, new RegExp(`/crl/${revoked.crl}\\.crl`, 'u'));
    assert.match(partition, /CRL Reason Code:\s+Key Compromise/u);
    assert.match(await text('issuing-1'), /X509v3 Freshest CRL:\s+Full Name:\s+URI:http:\S+delta\.crl/u);
    assert.match(await text('issuing-1/delta'), /X509v3 Delta CRL Indicator: critical/u);
  });

  it('are verified by GnuTLS certtool, each against its issuer', { skip: without('certtool') }, async () => {
    for (const [name, issuer] of [
      ['root', test.root],
      ['issuing-1', test.issuer],
      [good.crl, test.issuer],
    ] as const) {
      const file = await test.crls('gnutls', name);
      const told = await runCommand('certtool', ['--verify-crl', '--load-ca-certificate', issuer, '--infile', file]);
      assert.match(told.stdout, /Verification output: Verified\./u, `${name}: ${told.stderr}`);
    }
  });

  it("are what Java's PKIXRevocationChecker goes by", { skip: without('java', 'javac') }, async () => {
    const ask = ({ chain }: IssuedFiles, ...crls: string[]) =>
      runCommand('java', [javaProgram, chain, test.root, ...crls], { timeoutMs: 120_000 });
    const twoFiles = test.folder.in('java.crls');
    writeFileSync(twoFiles, readFileSync(chainCrls));
    for (const crls of [[twoFiles], []]) {
      const asked = await ask(good, ...crls);
      assert.equal(asked.stdout.trim(), 'valid', asked.stderr);
      const refused = await ask(revoked, ...crls);
      assert.equal(refused.stdout.trim(), 'REVOKED', refused.stderr);
    }
  });
});
