import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { createRoot, temporaryFolder } from '@countersign/testkit';
import { encryptPrivateKey, sha256Hex } from '@countersign/trust';

import { loadIdentity, renew, renewFiles, SdkError } from '../../src/index.ts';
import { api, fakeAuthority, issuing, root, serverContext } from '../fixture.ts';

function isSdkError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SdkError && error.code === code;
}

describe('renew', () => {
  test('shows the present certificate and gets one for the same names with a new key, in place', async () => {
    using folder = temporaryFolder();
    await using authority = await fakeAuthority();
    const demo = await issuing.issue('demo');
    const files = { ...demo.write(folder.path, 'demo'), ca: folder.in('ca.crt') };
    await writeFile(files.ca, root.pem);
    const next = await renewFiles(files, { url: authority.url });
    assert.deepEqual(authority.seen, [
      { path: '/v1/renew', authorization: undefined, client: sha256Hex(demo.der), subject: 'CN=demo' },
    ]);
    assert.notDeepEqual(next.leaf.spki.der, demo.certificate.spki.der);
    const loaded = await loadIdentity(files);
    assert.deepEqual(loaded.leaf.der, next.leaf.der);
  });

  test('keeps an encrypted key encrypted', async () => {
    using folder = temporaryFolder();
    await using authority = await fakeAuthority();
    const demo = await issuing.issue('demo');
    const files = { ...demo.write(folder.path, 'demo'), ca: folder.in('ca.crt') };
    await writeFile(files.ca, root.pem);
    await writeFile(files.key, await encryptPrivateKey(demo.key.privateKey, 'a long passphrase', { kdf: 'pbkdf2' }));
    await assert.rejects(renewFiles(files, { url: authority.url }), isSdkError('key_encrypted'));
    const wrong = { url: authority.url, passphrase: 'another' };
    await assert.rejects(renewFiles(files, wrong), isSdkError('key_passphrase'));
    await renewFiles(files, { url: authority.url, passphrase: 'a long passphrase' });
    assert.match(await readFile(files.key, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  });

  test('tells nothing to a server that is not of its own root', async () => {
    const other = await createRoot('Other');
    await using authority = await fakeAuthority({ shown: serverContext(await other.issueServer('localhost'), other) });
    const demo = await issuing.issue('demo');
    using folder = temporaryFolder();
    const files = { ...demo.write(folder.path, 'demo'), ca: folder.in('ca.crt') };
    await writeFile(files.ca, root.pem);
    const present = await loadIdentity(files);
    await assert.rejects(renew(present, { url: authority.url }), isSdkError('server_untrusted'));
    await assert.rejects(renew(present, { url: 'http://localhost' }), isSdkError('authority_unreachable'));
    assert.deepEqual(authority.seen, []);
  });

  test('leaves the files alone when the authority refuses', async () => {
    using folder = temporaryFolder();
    const refusal = { status: 403, body: { code: 'renewal_refused', detail: 'it was revoked' } };
    await using authority = await fakeAuthority({ answer: () => refusal, shown: serverContext(api) });
    const demo = await issuing.issue('demo');
    const files = { ...demo.write(folder.path, 'demo'), ca: folder.in('ca.crt') };
    await writeFile(files.ca, root.pem);
    await assert.rejects(renewFiles(files, { url: authority.url }), (error) => {
      assert.ok(error instanceof SdkError);
      assert.equal(error.problem?.code, 'renewal_refused');
      return true;
    });
    assert.deepEqual((await loadIdentity(files)).leaf.der, demo.der);
  });
});
