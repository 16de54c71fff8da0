import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { temporaryFolder } from '@countersign/testkit';
import type { TestCertificate } from '@countersign/testkit';

import { loadIdentity, saveIdentity, SdkError } from '../../src/index.ts';
import type { IdentityPem } from '../../src/index.ts';
import { issuing, root } from '../fixture.ts';

function isSdkError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SdkError && error.code === code;
}

function pem(certificate: TestCertificate): IdentityPem {
  return { cert: certificate.chainPem, key: certificate.keyPem, ca: root.pem };
}

const demo = await issuing.issue('demo');
const next = await issuing.issue('demo');

describe('identity files', () => {
  test('are replaced whole, the key readable by its owner alone', async () => {
    using folder = temporaryFolder();
    const files = { cert: folder.in('demo.crt'), key: folder.in('demo.key'), ca: folder.in('ca.crt') };
    await writeFile(files.key, 'old', { mode: 0o644 });
    await saveIdentity(files, pem(demo));
    await saveIdentity(files, pem(next));
    assert.deepEqual((await loadIdentity(files)).leaf.der, next.der);
    assert.equal((await stat(files.key)).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(folder.path)).toSorted(), ['ca.crt', 'demo.crt', 'demo.key']);
  });

  test('a replacement that a crash cut short is completed', async () => {
    using folder = temporaryFolder();
    const files = { cert: folder.in('demo.crt'), key: folder.in('demo.key'), ca: folder.in('ca.crt') };
    await saveIdentity(files, pem(demo));
    // As saveIdentity leaves it between its two last renames.
    await writeFile(`${files.cert}.new`, next.chainPem);
    await writeFile(`${files.key}.new`, next.keyPem);
    await rename(`${files.key}.new`, files.key);
    assert.deepEqual((await loadIdentity(files)).leaf.der, next.der);
    assert.equal(await readFile(files.cert, 'utf8'), next.chainPem);
  });

  test('a replacement that a crash cut short before the key leaves the old identity', async () => {
    using folder = temporaryFolder();
    const files = { cert: folder.in('demo.crt'), key: folder.in('demo.key'), ca: folder.in('ca.crt') };
    await saveIdentity(files, pem(demo));
    await writeFile(`${files.cert}.new`, next.chainPem);
    await writeFile(`${files.key}.new`, next.keyPem.slice(0, 50));
    assert.deepEqual((await loadIdentity(files)).leaf.der, demo.der);
    await saveIdentity(files, pem(next));
    assert.deepEqual((await loadIdentity(files)).leaf.der, next.der);
  });

  test('each fault has its code', async () => {
    using folder = temporaryFolder();
    const files = { cert: folder.in('demo.crt'), key: folder.in('demo.key'), ca: folder.in('ca.crt') };
    await assert.rejects(loadIdentity(files), isSdkError('identity_missing'));
    await saveIdentity(files, pem(demo));
    await writeFile(files.key, next.keyPem);
    await assert.rejects(loadIdentity(files), isSdkError('identity_mismatch'));
    await writeFile(files.key, 'no key');
    await assert.rejects(loadIdentity(files), isSdkError('identity_malformed'));
    await writeFile(files.key, demo.keyPem);
    await writeFile(files.ca, '');
    await assert.rejects(loadIdentity(files), isSdkError('identity_malformed'));
    await writeFile(files.ca, root.keyPem);
    await assert.rejects(loadIdentity(files), isSdkError('identity_malformed'));
    await writeFile(files.ca, root.pem.replace('MII', 'AAA'));
    await assert.rejects(loadIdentity(files), isSdkError('identity_malformed'));
  });

  test('a folder that cannot be written is one clear error', async () => {
    using folder = temporaryFolder();
    const files = {
      cert: folder.in('no', 'demo.crt'),
      key: folder.in('no', 'demo.key'),
      ca: folder.in('no', 'ca.crt'),
    };
    await assert.rejects(saveIdentity(files, pem(demo)), isSdkError('identity_unwritable'));
    await chmod(folder.path, 0o700);
  });
});
