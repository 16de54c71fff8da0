import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:tls';
import type { Server } from 'node:https';
import { describe, test } from 'node:test';

import { createRoot, temporaryFolder } from '@countersign/testkit';

import { enroll, loadIdentity, SdkError } from '../../src/index.ts';
import { api, fakeAuthority, issuing, listen, root, serverContext, token } from '../fixture.ts';

function isSdkError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SdkError && error.code === code;
}

describe('enroll', () => {
  test('turns a token into an identity whose key was made here', async () => {
    using folder = temporaryFolder();
    await using authority = await fakeAuthority();
    const files = { cert: folder.in('demo.crt'), key: folder.in('demo.key'), ca: folder.in('ca.crt') };
    const text = token(authority.url);
    const material = await enroll({ token: text, files });
    assert.equal(authority.seen.length, 1);
    assert.deepEqual(authority.seen[0], {
      path: '/v1/enroll',
      authorization: `Bearer ${text}`,
      client: undefined,
      subject: 'CN=demo',
    });
    const loaded = await loadIdentity(files);
    assert.deepEqual(loaded.leaf.der, material.leaf.der);
    assert.deepEqual(
      loaded.chain.map((certificate) => certificate.der),
      [material.leaf.der, issuing.der],
    );
    assert.equal(await readFile(files.ca, 'utf8'), root.pem);
    assert.equal((await stat(files.key)).mode & 0o777, 0o600);
  });

  test('sends nothing to a server that does not show the root of the token', async () => {
    const other = await createRoot('Other');
    const otherApi = await other.issueServer('localhost');
    let received = 0;
    for (const { shown, code } of [
      { shown: serverContext(otherApi, other), code: 'root_not_shown' },
      // The right root is shown, but the server's certificate is of another CA.
      { shown: { key: otherApi.keyPem, cert: otherApi.pem + issuing.pem + root.pem }, code: 'server_untrusted' },
      // The right CA, but for another host.
      { shown: serverContext(await issuing.issue('x', { usages: null })), code: 'server_untrusted' },
      // A client's certificate of the right CA.
      { shown: serverContext(await issuing.issue('localhost')), code: 'server_untrusted' },
    ]) {
      const server = createServer(shown, (socket) => {
        socket.on('data', (chunk) => (received += chunk.length));
        socket.on('error', () => undefined);
      });
      server.on('tlsClientError', () => undefined);
      await using listening = await listen(
        Object.assign(server, { closeAllConnections: () => undefined }) as unknown as Server,
      );
      await assert.rejects(enroll({ token: token(`https://localhost:${listening.port}`) }), isSdkError(code));
    }
    assert.equal(received, 0);
  });

  test('goes to the URL that it is told, but believes the root of the token alone', async () => {
    await using authority = await fakeAuthority();
    const material = await enroll({ token: token('https://localhost:1'), url: authority.url });
    assert.equal(material.leaf.issuer.key, issuing.certificate.subject.key);
    const wrong = token(authority.url, { root: '00'.repeat(32) });
    await assert.rejects(enroll({ token: wrong }), isSdkError('root_not_shown'));
    assert.equal(authority.seen.length, 1);
  });

  test('waits for nothing that is no request', async () => {
    const expiresAt = '2999-01-01T00:00:00Z';
    for (const body of [
      {},
      { request: 'x' },
      { request: '../../admin', expiresAt },
      { request: 'x', expiresAt: 'soon' },
    ]) {
      await using authority = await fakeAuthority({ answer: () => ({ status: 202, body }) });
      await assert.rejects(enroll({ token: token(authority.url) }), isSdkError('answer_malformed'));
      assert.equal(authority.seen.length, 1);
    }
  });

  test('refuses what is no token, or ended, before it connects', async () => {
    await assert.rejects(enroll({ token: 'nonsense' }), isSdkError('token_malformed'));
    const url = 'https://localhost:1';
    await assert.rejects(enroll({ token: token(url, { aud: 'api' }) }), isSdkError('token_malformed'));
    await assert.rejects(enroll({ token: token(url, { root: 'none' }) }), isSdkError('token_malformed'));
    await assert.rejects(enroll({ token: token(url, { exp: 1 }) }), isSdkError('token_expired'));
    await assert.rejects(enroll({ token: token(url), url: 'http://localhost:1' }), isSdkError('authority_unreachable'));
    await assert.rejects(enroll({ token: token(url) }), isSdkError('authority_unreachable'));
  });

  test('passes on the code of a refusal', async () => {
    await using authority = await fakeAuthority({
      answer: () => ({
        status: 401,
        body: { code: 'token_used', detail: 'a token is redeemed once', correlationId: 'c' },
      }),
    });
    await assert.rejects(enroll({ token: token(authority.url) }), (error) => {
      assert.ok(error instanceof SdkError);
      assert.equal(error.code, 'authority_refused');
      assert.deepEqual(error.problem, {
        status: 401,
        code: 'token_used',
        detail: 'a token is redeemed once',
        correlationId: 'c',
      });
      return true;
    });
  });

  test('keeps nothing of an answer that is not for its key or not under its root', async () => {
    using folder = temporaryFolder();
    const files = { cert: folder.in('a.crt'), key: folder.in('a.key'), ca: folder.in('ca.crt') };
    const other = await createRoot('Other');
    const foreign = await issuing.issue('demo');
    const answers = [
      { certificate: foreign.chainPem, ca: root.pem },
      { certificate: (await other.issue('demo')).chainPem, ca: root.pem },
      { certificate: foreign.chainPem, ca: other.pem },
    ];
    for (const body of answers) {
      await using authority = await fakeAuthority({ answer: () => ({ body }) });
      await assert.rejects(enroll({ token: token(authority.url), files }), isSdkError('answer_untrusted'));
    }
    await using silent = await fakeAuthority({ answer: () => ({ body: {} }) });
    await assert.rejects(enroll({ token: token(silent.url), files }), isSdkError('answer_malformed'));
    await assert.rejects(stat(files.key));
  });

  test('refuses to run where the environment has switched verification off', async () => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      await assert.rejects(enroll({ token: token('https://localhost:1') }), isSdkError('tls_disarmed'));
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    }
  });

  test('the certificate of the API is for localhost and 127.0.0.1', async () => {
    await using authority = await fakeAuthority({ shown: serverContext(api) });
    const material = await enroll({ token: token(`https://127.0.0.1:${authority.port}`) });
    assert.equal(material.roots.length, 1);
  });
});
