import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nodePasswordCrypto } from '@countersign/trust';
import { parsePkcs12 } from '../../src/pkcs12/parse.ts';

const folder = join(import.meta.dirname, '../vectors/pyca/pkcs12');
const files = globSync('*.p12', { cwd: folder }).toSorted();

/** The names of the files tell what is in them, and the password of each family is pyca's. */
function expectations(file: string): { password: string; keys: number; certificates: number } {
  if (file === 'no-password.p12') return { password: '', keys: 1, certificates: 1 };
  if (file.includes('name')) {
    const password = file.endsWith('-no-pwd.p12') ? '' : 'password';
    return file.startsWith('no-cert') ? { password, keys: 0, certificates: 2 } : { password, keys: 1, certificates: 3 };
  }
  return {
    password: 'cryptography',
    keys: file.endsWith('no-key.p12') ? 0 : 1,
    certificates: file.startsWith('no-cert') ? 0 : 1,
  };
}

describe('PKCS#12 files of pyca', () => {
  test('there are 30', () => assert.equal(files.length, 30));

  for (const file of files) {
    test(`${file} is read`, async () => {
      const { password, keys, certificates } = expectations(file);
      const parsed = await parsePkcs12(readFileSync(join(folder, file)), password, nodePasswordCrypto);
      assert.ok(parsed.ok);
      assert.equal(parsed.pkcs12.keys.length, keys);
      assert.equal(parsed.pkcs12.certificates.length, certificates);
      const [key] = parsed.pkcs12.keys;
      const own = parsed.pkcs12.certificates.find(
        ({ localKeyId }) =>
          localKeyId !== undefined && key?.localKeyId !== undefined && Buffer.from(localKeyId).equals(key.localKeyId),
      );
      if (key !== undefined && own !== undefined) {
        const privateKey = createPrivateKey({ key: Buffer.from(key.key.der), format: 'der', type: 'pkcs8' });
        assert.ok(new X509Certificate(own.der).checkPrivateKey(privateKey));
      }
    });
  }

  test('names come back, other alphabets too', async () => {
    const parsed = await parsePkcs12(
      readFileSync(join(folder, 'name-unicode-pwd.p12')),
      'password',
      nodePasswordCrypto,
    );
    assert.ok(parsed.ok);
    assert.deepEqual(
      parsed.pkcs12.keys.map((key) => key.friendlyName),
      ['☺'],
    );
    assert.deepEqual(
      parsed.pkcs12.certificates.map((certificate) => certificate.friendlyName),
      ['☺', 'ä', 'ç'],
    );
  });

  test('a wrong password is a value', async () => {
    for (const file of files) {
      const parsed = await parsePkcs12(readFileSync(join(folder, file)), 'wrong', nodePasswordCrypto);
      assert.deepEqual(parsed, { ok: false, code: 'pkcs12_password' });
    }
  });
});
