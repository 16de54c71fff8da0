import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { createRoot, TEST_TIME, without } from '@countersign/testkit';
import { nodePasswordCrypto } from '@countersign/trust';
import { berToDer } from '../../src/ber/ber-to-der.ts';
import { explicit, integer, octetString, oid, sequence } from '../../src/der/writer.ts';
import { buildPkcs12 } from '../../src/pkcs12/build.ts';
import type { Pkcs12Format } from '../../src/pkcs12/build.ts';
import { macData } from '../../src/pkcs12/mac.ts';
import { parsePkcs12 } from '../../src/pkcs12/parse.ts';

const caFolder = join(import.meta.dirname, '../vectors/pyca/pkcs12/ca');
const keyPem = readFileSync(join(caFolder, 'ca_key.pem'), 'utf8');
const key = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' });
const certificate = new X509Certificate(readFileSync(join(caFolder, 'ca.pem'))).raw;
const other = Buffer.from((await createRoot('PKCS#12 issuing', { now: TEST_TIME })).der);
const password = 'pässword-for-tests';
const formats: readonly Pkcs12Format[] = ['modern', 'pbmac1', 'legacy'];
// Peers read any count; few keep the tests fast.
const iterations = 2048;

function build(format: Pkcs12Format, friendlyName = 'demo'): Promise<Uint8Array> {
  return buildPkcs12({ key, certificates: [certificate, other], friendlyName }, password, nodePasswordCrypto, {
    format,
    iterations,
  });
}

describe('PKCS#12', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pkcs12-'));
    writeFileSync(join(folder, 'password'), password, { mode: 0o600 });
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = (command: string, args: string[], input?: Uint8Array): string =>
    execFileSync(command, args, {
      cwd: folder,
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });

  for (const format of formats) {
    test(`${format}: what is built is read`, async () => {
      const parsed = await parsePkcs12(await build(format, 'Gerät 7 😀'), password, nodePasswordCrypto);
      assert.ok(parsed.ok);
      const { keys, certificates, mac } = parsed.pkcs12;
      assert.deepEqual(
        keys.map((k) => Buffer.from(k.key.der)),
        [key],
      );
      assert.deepEqual(
        certificates.map((c) => Buffer.from(c.der)),
        [certificate, other],
      );
      assert.equal(keys[0]?.friendlyName, 'Gerät 7 😀');
      assert.ok(keys[0].localKeyId);
      assert.deepEqual(certificates[0]?.localKeyId, keys[0].localKeyId);
      assert.equal(certificates[1]?.localKeyId, undefined);
      assert.equal(mac?.type, format === 'pbmac1' ? 'pbmac1' : 'pkcs12');
      assert.equal(mac.digest, format === 'legacy' ? 'sha1' : 'sha256');
    });

    test(`${format}: Node's OpenSSL opens it and takes the key for the certificate`, async () => {
      const pfx = Buffer.from(await build(format));
      createSecureContext({ pfx, passphrase: password });
      assert.throws(() => createSecureContext({ pfx, passphrase: 'wrong' }), /mac verify failure/i);
    });
  }

  for (const format of ['modern', 'legacy'] as const) {
    test(`${format}: openssl pkcs12 shows key and certificates`, { skip: without('openssl') }, async () => {
      const out = run('openssl', ['pkcs12', '-passin', 'file:password', '-nodes', '-info'], await build(format));
      assert.equal(out.match(/BEGIN CERTIFICATE/g)?.length, 2);
      const pem = /-----BEGIN PRIVATE KEY-----[^]*-----END PRIVATE KEY-----/.exec(out)?.[0] ?? '';
      assert.deepEqual(createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }), key);
    });

    test(`${format}: Java's keytool lists a key entry with its chain`, { skip: without('keytool') }, async () => {
      // keytool reads its password in the platform's encoding, so an ASCII one.
      const file = await buildPkcs12(
        { key, certificates: [certificate], friendlyName: 'demo' },
        'ascii-password',
        nodePasswordCrypto,
        { format, iterations },
      );
      writeFileSync(join(folder, `${format}-java.p12`), file);
      writeFileSync(join(folder, 'ascii'), 'ascii-password');
      const out = run('keytool', [
        '-list',
        '-v',
        '-storetype',
        'PKCS12',
        '-keystore',
        `${format}-java.p12`,
        '-storepass:file',
        'ascii',
      ]);
      assert.match(out, /Alias name: demo/);
      assert.match(out, /Entry type: PrivateKeyEntry/);
    });

    test(
      `${format}: NSS (Firefox, Chromium on Linux) imports it`,
      { skip: without('certutil', 'pk12util') },
      async () => {
        const database = join(folder, `nss-${format}`);
        execFileSync('mkdir', [database]);
        run('certutil', ['-N', '-d', `sql:${database}`, '--empty-password']);
        writeFileSync(join(folder, `${format}-nss.p12`), await build(format));
        run('pk12util', ['-i', `${format}-nss.p12`, '-d', `sql:${database}`, '-w', 'password', '-K', '']);
        assert.match(run('certutil', ['-L', '-d', `sql:${database}`]), /demo/);
        // What NSS writes is BER with indefinite lengths.
        run('pk12util', ['-o', `${format}-out.p12`, '-n', 'demo', '-d', `sql:${database}`, '-w', 'password', '-K', '']);
        const exported = readFileSync(join(folder, `${format}-out.p12`));
        const parsed = await parsePkcs12(exported, password, nodePasswordCrypto);
        assert.ok(parsed.ok);
        assert.equal(parsed.pkcs12.keys[0]?.key.kind.type, 'ec');
        assert.deepEqual(Buffer.from(parsed.pkcs12.certificates[0]?.der ?? []), certificate);
      },
    );
  }

  test('what openssl writes is read, in every form it has', { skip: without('openssl') }, async () => {
    writeFileSync(join(folder, 'key.pem'), keyPem, { mode: 0o600 });
    writeFileSync(join(folder, 'ca.pem'), readFileSync(join(caFolder, 'ca.pem')));
    const forms: string[][] = [
      [],
      ['-legacy'],
      ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'SHA1'],
      ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-192-CBC', '-macalg', 'SHA512'],
      ['-keypbe', 'NONE', '-certpbe', 'NONE', '-macalg', 'SHA384'],
    ];
    for (const form of forms) {
      run('openssl', [
        'pkcs12',
        '-export',
        '-inkey',
        'key.pem',
        '-in',
        'ca.pem',
        '-name',
        'x',
        '-passout',
        'file:password',
        '-out',
        'openssl.p12',
        ...form,
      ]);
      const parsed = await parsePkcs12(readFileSync(join(folder, 'openssl.p12')), password, nodePasswordCrypto);
      assert.ok(parsed.ok, form.join(' '));
      assert.deepEqual(Buffer.from(parsed.pkcs12.keys[0]?.key.der ?? []), key);
    }
  });

  test('a file without MAC is refused unless asked for', { skip: without('openssl') }, async () => {
    writeFileSync(join(folder, 'key.pem'), keyPem, { mode: 0o600 });
    writeFileSync(join(folder, 'ca.pem'), readFileSync(join(caFolder, 'ca.pem')));
    run('openssl', [
      'pkcs12',
      '-export',
      '-nomac',
      '-inkey',
      'key.pem',
      '-in',
      'ca.pem',
      '-passout',
      'file:password',
      '-out',
      'nomac.p12',
    ]);
    const file = readFileSync(join(folder, 'nomac.p12'));
    assert.deepEqual(await parsePkcs12(file, password, nodePasswordCrypto), { ok: false, code: 'pkcs12_unprotected' });
    const parsed = await parsePkcs12(file, password, nodePasswordCrypto, { integrity: 'optional' });
    assert.ok(parsed.ok);
    assert.equal(parsed.pkcs12.mac, undefined);
    const wrong = await parsePkcs12(file, 'wrong', nodePasswordCrypto, { integrity: 'optional' });
    assert.deepEqual(wrong, { ok: false, code: 'pkcs12_password' });
  });

  test('any flipped bit of the protected content is noticed', async () => {
    const file = await build('modern');
    let noticed = 0;
    for (let at = 80; at < file.length - 90; at += 97) {
      const changed = Uint8Array.from(file);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const parsed = await parsePkcs12(changed, password, nodePasswordCrypto);
      assert.equal(parsed.ok, false);
      noticed++;
    }
    assert.ok(noticed > 10);
  });

  test('the defaults cost what .NET still reads and openssl by far exceeds', async () => {
    const file = await buildPkcs12({ key, certificates: [certificate] }, password, nodePasswordCrypto);
    const parsed = await parsePkcs12(file, password, nodePasswordCrypto);
    assert.ok(parsed.ok);
    const { mac, keys } = parsed.pkcs12;
    assert.ok(mac?.type === 'pkcs12');
    assert.equal(mac.iterations, 250_000);
    const encryption = keys[0]?.encryption;
    assert.ok(encryption?.type === 'pbes2' && encryption.kdf.type === 'pbkdf2');
    assert.equal(encryption.kdf.iterations, 250_000);
    assert.equal(encryption.cipher, 'aes-256-cbc');
  });

  test('misuse and other files are refused with their codes', async () => {
    const contents = { key, certificates: [certificate] };
    const crypto = nodePasswordCrypto;
    await assert.rejects(buildPkcs12(contents, '', crypto), { code: 'argument' });
    await assert.rejects(buildPkcs12({ key, certificates: [] }, password, crypto), { code: 'argument' });
    await assert.rejects(buildPkcs12(contents, password, crypto, { iterations: 1999 }), { code: 'argument' });
    await assert.rejects(buildPkcs12({ ...contents, friendlyName: '\ud800' }, password, crypto, { iterations }), {
      code: 'argument',
    });
    await assert.rejects(parsePkcs12(certificate, password, crypto), { code: 'der_tag' });
    await assert.rejects(parsePkcs12(new Uint8Array(), password, crypto), { code: 'der_truncated' });
    await assert.rejects(parsePkcs12(new Uint8Array(5 << 20), password, crypto), { code: 'der_size' });
    await assert.rejects(parsePkcs12(sequence(integer(4)), password, crypto), { code: 'pkcs12_malformed' });
    const without = { ...crypto, supports: (algorithm: string) => algorithm !== 'des-ede3-cbc' };
    await assert.rejects(buildPkcs12(contents, password, without, { format: 'legacy' }), {
      code: 'password_algorithm_unsupported',
    });
  });

  test('what would cost too much is refused before anything is derived', async () => {
    const mac = { type: 'pkcs12', digest: 'sha256', salt: new Uint8Array(8), iterations: 2_000_001 } as const;
    const content = sequence(oid('1.2.840.113549.1.7.1'), explicit(0, octetString(sequence())));
    const costly = sequence(integer(3), content, macData(mac, new Uint8Array(32)));
    await assert.rejects(parsePkcs12(costly, password, nodePasswordCrypto), { code: 'password_cost' });
  });

  test('our files are DER', async () => {
    const file = await build('modern');
    assert.deepEqual(berToDer(file), file);
  });
});
