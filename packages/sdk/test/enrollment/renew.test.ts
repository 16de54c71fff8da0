import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';

import { createRoot, temporaryFolder } from '@countersign/testkit';
import { decryptPrivateKey, encryptPrivateKey, sha256Hex, spkiOf } from '@countersign/trust';

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

  test('keeps the key of a renewal that waits, under the passphrase of the identity, and goes on with it', async () => {
    using folder = temporaryFolder();
    const demo = await issuing.issue('demo');
    const files = { ...demo.write(folder.path, 'demo'), ca: folder.in('ca.crt') };
    const pending = `${files.key}.pending`;
    const passphrase = 'a long passphrase';
    await writeFile(files.ca, root.pem);
    await writeFile(files.key, await encryptPrivateKey(demo.key.privateKey, passphrase, { kdf: 'pbkdf2' }));
    const waits = { request: 'r1', expiresAt: new Date(Date.now() + 60_000).toISOString() };
    await using patient = await fakeAuthority({ answer: () => ({ status: 202, body: waits }) });
    const ended = new AbortController();
    const onWaiting = (): void => ended.abort();
    const waiting = renewFiles(files, { url: patient.url, passphrase, signal: ended.signal, onWaiting });
    await assert.rejects(waiting);
    assert.equal((await stat(pending)).mode & 0o777, 0o600);
    const kept = await readFile(pending, 'utf8');
    assert.match(kept, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    const key = (await decryptPrivateKey(kept, passphrase)) as { key: KeyObject };
    assert.deepEqual((await loadIdentity(files, { passphrase })).leaf.der, demo.der);

    // Denied, it stays denied for a daemon, and ends for whoever calls.
    const denial = { status: 403, body: { code: 'request_denied', detail: 'no' } };
    await using strict = await fakeAuthority({ answer: () => denial });
    await assert.rejects(
      renewFiles(files, { url: strict.url, passphrase, staysDenied: true }),
      isSdkError('authority_refused'),
    );
    assert.equal(await readFile(pending, 'utf8'), kept);

    await using authority = await fakeAuthority();
    const next = await renewFiles(files, { url: authority.url, passphrase });
    assert.deepEqual(next.leaf.spki.der, spkiOf(key.key));
    await assert.rejects(stat(pending), { code: 'ENOENT' });
    // A key that has its place already is used for no other certificate, whatever a crash has left behind.
    await writeFile(pending, kept);
    const after = await renewFiles(files, { url: authority.url, passphrase });
    assert.notDeepEqual(after.leaf.spki.der, next.leaf.spki.der);
    await writeFile(pending, kept);
    await assert.rejects(renewFiles(files, { url: strict.url, passphrase }), isSdkError('authority_refused'));
    await assert.rejects(stat(pending), { code: 'ENOENT' });
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
