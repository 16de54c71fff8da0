import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { buildAndValidate, parseCertificate, parseCrl, pemDecodeOne, readEncryptedPrivateKey } from '@countersign/pki';
import { anchorOf, nodeCrypto } from '@countersign/trust';
import {
  AuthorityError,
  initAuthority,
  renewIssuing,
  rootCrl,
  rootExport,
  rootRemove,
  startAuthority,
} from '../../src/index.ts';
import type { AuthorityErrorCode } from '../../src/index.ts';
import { call } from '../support/client.ts';
import { authorityFolder, passphrase, rootPassphrase } from '../support/folder.ts';
import { newRequest } from '../support/keys.ts';
import { runningTest } from '../support/running.ts';
import { eventually } from '@countersign/testkit';

function failsWith(code: AuthorityErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AuthorityError, String(error));
    assert.equal(error.code, code);
    assert.ok(!error.message.includes('\n'), 'one line');
    return true;
  };
}

const certificateIn = (data: string, name: string) =>
  parseCertificate(pemDecodeOne(readFileSync(join(data, 'ca', name), 'utf8'), 'CERTIFICATE'));

describe('initAuthority', () => {
  it('makes a root and an issuing CA below it, with keys that nobody else can read', async () => {
    using folder = await authorityFolder();
    const root = certificateIn(folder.data, 'root.crt');
    const issuing = certificateIn(folder.data, 'issuing-1.crt');
    assert.deepEqual(root.spki.key, { type: 'ec', curve: 'P-384' });
    assert.equal(issuing.basicConstraints?.pathLen, 0);
    const years = (certificate: typeof root): number =>
      new Date(certificate.notAfter).getUTCFullYear() - new Date(certificate.notBefore).getUTCFullYear();
    assert.deepEqual([years(root), years(issuing)], [20, 5]);
    const path = buildAndValidate(issuing, {
      anchors: [anchorOf(root)],
      intermediates: [],
      time: Date.now(),
      purpose: 'any',
      crypto: nodeCrypto,
    });
    assert.ok(path.ok);
    assert.equal(
      parseCrl(pemDecodeOne(readFileSync(join(folder.data, 'ca/root.crl'), 'utf8'), 'X509 CRL')).entryCount,
      0,
    );
    for (const name of readdirSync(join(folder.data, 'ca')).filter((one) => one.endsWith('.key'))) {
      const path = join(folder.data, 'ca', name);
      assert.equal(statSync(path).mode & 0o777, 0o600, name);
      assert.match(readFileSync(path, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/u);
    }
    assert.equal(statSync(join(folder.data, 'ca')).mode & 0o777, 0o700);
  });

  it('encrypts the keys of one passphrase with one salt and each with its own IV; the root shares its salt with nothing', async () => {
    using folder = await authorityFolder();
    const parameters = (name: string) => {
      const pem = readFileSync(join(folder.data, 'ca', name), 'utf8');
      const { scheme } = readEncryptedPrivateKey(pemDecodeOne(pem, 'ENCRYPTED PRIVATE KEY'));
      assert.ok(scheme.type === 'pbes2' && scheme.kdf.type === 'scrypt');
      return { N: scheme.kdf.cost.N, salt: Buffer.from(scheme.kdf.salt), iv: Buffer.from(scheme.iv) };
    };
    const [root, issuing, token] = [parameters('root.key'), parameters('issuing-1.key'), parameters('token.key')];
    assert.deepEqual([root.N, issuing.N, token.N], [2 ** 17, 2 ** 17, 2 ** 17]);
    assert.ok(issuing.salt.equals(token.salt));
    assert.ok(!root.salt.equals(issuing.salt));
    assert.ok(!issuing.iv.equals(token.iv));
  });

  it('never makes a second authority over a first', async () => {
    using folder = await authorityFolder();
    await assert.rejects(initAuthority(folder.data, { passphrase, rootPassphrase }), failsWith('already_initialized'));
    rmSync(join(folder.data, 'countersign.json'));
    await assert.rejects(initAuthority(folder.data, { passphrase, rootPassphrase }), failsWith('folder_broken'));
    assert.ok(certificateIn(folder.data, 'root.crt'));
  });
});

describe('startAuthority', () => {
  it('refuses, in one line each, what it cannot start from', async () => {
    using folder = await authorityFolder();
    const options = {
      dataDir: folder.data,
      passphrase,
      listen: '127.0.0.1:0',
      http: '127.0.0.1:0',
      logLevel: 'silent',
    };
    await assert.rejects(startAuthority({ ...options, passphrase: 'wrong' }), failsWith('wrong_passphrase'));
    await assert.rejects(
      startAuthority({ ...options, dataDir: join(folder.path, 'nothing') }),
      failsWith('not_initialized'),
    );
    await assert.rejects(startAuthority({ ...options, listen: 'nonsense' }), failsWith('invalid_option'));
    await assert.rejects(startAuthority({ ...options, http: '192.0.2.1:1' }), failsWith('address_unavailable'));
    const marker = join(folder.data, 'countersign.json');
    const before = readFileSync(marker);
    for (const text of ['{"format":2}', '{"format":"1"}', '{}', '', 'garbage']) {
      writeFileSync(marker, text);
      await assert.rejects(startAuthority(options), failsWith('unknown_format'));
    }
    writeFileSync(marker, before);
    rmSync(join(folder.data, 'ca/issuing-1.key'));
    await assert.rejects(startAuthority(options), failsWith('folder_broken'));
  });

  it('runs once on a folder and once on a port', async () => {
    await using running = await runningTest();
    const options = {
      dataDir: running.data,
      passphrase,
      listen: '127.0.0.1:0',
      http: '127.0.0.1:0',
      logLevel: 'silent',
    };
    await assert.rejects(startAuthority(options), failsWith('already_running'));
    using other = await authorityFolder();
    const taken = { ...options, dataDir: other.data, http: running.authority.listen.http };
    await assert.rejects(startAuthority(taken), failsWith('port_in_use'));
  });
});

describe('the root', () => {
  it('goes offline, signs its CRL from the exported key, and the authority works on without it', async () => {
    using folder = await authorityFolder();
    const out = join(folder.path, 'root-away.key');
    await assert.rejects(rootExport(folder.data, { rootPassphrase: 'wrong', out }), failsWith('wrong_passphrase'));
    await rootExport(folder.data, { rootPassphrase, out });
    await assert.rejects(rootExport(folder.data, { rootPassphrase, out }), failsWith('file_exists'));
    assert.equal(statSync(out).mode & 0o777, 0o600);
    await rootRemove(folder.data, { exported: { file: out, rootPassphrase } });
    await assert.rejects(rootCrl(folder.data, { rootPassphrase }), failsWith('root_key_absent'));
    const wrongKey = { rootPassphrase: passphrase, rootKeyFile: join(folder.data, 'ca/issuing-1.key') };
    await assert.rejects(rootCrl(folder.data, wrongKey), failsWith('root_key_mismatch'));
    const { number } = await rootCrl(folder.data, { rootPassphrase, rootKeyFile: out });
    assert.equal(number, 2);
    const crl = parseCrl(pemDecodeOne(readFileSync(join(folder.data, 'ca/root.crl'), 'utf8'), 'X509 CRL'));
    assert.equal(crl.crlNumber, 2n);
  });

  it('takes back an issuing CA by its CRL: a running authority signs nothing with it any more, and with the next again', async () => {
    await using running = await runningTest();
    const revoke = { ca: 'issuing-1', reason: 'cACompromise' } as const;
    const held = { ca: 'issuing-1', reason: 'certificateHold' } as const;
    await assert.rejects(rootCrl(running.data, { rootPassphrase, revoke: held }), failsWith('invalid_option'));
    const unknown = { ...revoke, ca: 'issuing-7' };
    await assert.rejects(rootCrl(running.data, { rootPassphrase, revoke: unknown }), failsWith('invalid_option'));
    assert.deepEqual((await rootCrl(running.data, { rootPassphrase, revoke })).revoked, ['issuing-1']);
    const crl = parseCrl(await (await fetch(`http://${running.authority.listen.http}/crl/root.crl`)).bytes());
    const { serialNumber } = certificateIn(running.data, 'issuing-1.crt');
    assert.equal(crl.lookup(serialNumber)?.reason, 'cACompromise');
    const { csr } = await newRequest();
    const issue = () => running.ask('POST', '/v1/certificates', { name: 'late', profile: 'client', csr });
    await eventually('nothing is issued', 10_000, async () => (await issue()).body.code === 'issuer_unavailable');
    // Once more changes nothing, and the revocation stays in every CRL to come.
    const again = await rootCrl(running.data, { rootPassphrase, revoke: { ...revoke, reason: 'superseded' } });
    assert.deepEqual(again.revoked, ['issuing-1']);
    const next = parseCrl(await (await fetch(`http://${running.authority.listen.http}/crl/root.crl`)).bytes());
    assert.deepEqual([next.entryCount, next.lookup(serialNumber)?.reason], [1, 'cACompromise']);
    await renewIssuing(running.data, { rootPassphrase, passphrase });
    await eventually('the next CA signs', 10_000, async () => (await issue()).status === 200);
  });

  it('certifies the next issuing CA, which a running authority takes up by itself', async () => {
    await using running = await runningTest();
    const before = await running.issued('before', 'admin');
    const made = await renewIssuing(running.data, { rootPassphrase, passphrase });
    assert.equal(made.id, 'issuing-2');
    await eventually('the new CA signs', 10_000, async () => {
      const { body } = await running.ask('GET', '/v1/status');
      return body.issuing.length === 2;
    });
    const after = await running.issued('after', 'client');
    const issuer = parseCertificate(
      pemDecodeOne(after.cert.split('-----END CERTIFICATE-----\n')[1] + '-----END CERTIFICATE-----\n', 'CERTIFICATE'),
    );
    assert.deepEqual(issuer.der, certificateIn(running.data, 'issuing-2.crt').der);
    assert.equal(issuer.crlDistributionPoints?.length, 1);
    const { body: bundle } = await running.ask('GET', '/v1/bundle');
    assert.deepEqual([bundle.intermediates.length, bundle.generation], [2, 2]);
    // What the one before has issued stays good, and its CRL goes on.
    assert.equal((await call(running.remote(before), 'GET', '/v1/status')).status, 200);
    for (const path of [
      'crl/issuing-1/0.crl',
      'crl/issuing-2/0.crl',
      'crl/issuing-2.crl',
      'crl/root.crl',
      'ca/issuing-2.crt',
      'ca/root.crt',
    ]) {
      assert.equal((await fetch(`http://${running.authority.listen.http}/${path}`)).status, 200, path);
    }
  });
});
