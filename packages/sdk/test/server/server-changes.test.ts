import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { describe, test } from 'node:test';

import {
  createRoot,
  eventually,
  getRequest,
  rawConnection,
  sClient,
  temporaryFolder,
  tlsOptions,
  without,
} from '@countersign/testkit';

import { createIdentity } from '../../src/index.ts';
import { filesOf, good, greeting, issuing, root, shown } from './serving.ts';

/** The serial number of the certificate that a server shows. */
async function shownBy(port: number): Promise<string | undefined> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const serial = socket.getPeerX509Certificate()?.serialNumber.toLowerCase();
  socket.destroy();
  return serial;
}

describe('a server of the SDK whose world changes', () => {
  test(
    'shows the identity as it is, and goes on to judge: a session of before the rotation too',
    { skip: without('openssl') },
    async () => {
      using folder = temporaryFolder();
      await using server = await greeting({ revocation: 'off', allow: ({ name }) => name === 'good' });
      const { port } = server;
      const client = filesOf(folder, 'good', good);
      const other = filesOf(folder, 'other', await issuing.issue('other'));
      const sessionOut = folder.in('session');
      assert.equal((await sClient({ port, client, version: '1.3', sessionOut })).status, 200);
      assert.equal(await shownBy(port), shown.certificate.serialHex);
      using staying = await rawConnection(tlsOptions(port, client));
      await staying.ask(getRequest, /hello good/u);

      const next = await issuing.issueServer('localhost', '127.0.0.1');
      const renewed = await createIdentity({ cert: next.chainPem, key: next.keyPem, ca: root.pem });
      server.identity.replace(renewed.material);
      assert.equal(await shownBy(port), next.certificate.serialHex);
      await staying.ask(getRequest, /hello good/u);
      // The roots are the same, so whom they admitted they admit: tickets go on, and are judged.
      const resumed = await sClient({ port, client, version: '1.3', sessionIn: sessionOut });
      assert.deepEqual([resumed.status, resumed.reused], [200, true]);
      assert.equal((await sClient({ port, client: other })).status, 403);
      assert.equal((await sClient({ port, client: { ca: client.ca } })).status, 401);
      server.trust.setAllow(() => false);
      await staying.ended;
      const refused = await sClient({ port, client, version: '1.3', sessionIn: sessionOut });
      assert.deepEqual([refused.status, refused.reused], [403, true]);
      renewed.close();
    },
  );

  test(
    'ends the connections of a CA that is taken out of its file, and resumes no session of it',
    { skip: without('openssl') },
    async () => {
      using folder = temporaryFolder();
      const [first, second] = [await createRoot('First Partner'), await createRoot('Second Partner')];
      const bundle = folder.in('partners.pem');
      writeFileSync(bundle, first.pem + second.pem);
      const partners = { files: [bundle], revocation: 'off' } as const;
      await using server = await greeting({ revocation: 'off', bundles: { partners } });
      const { port } = server;
      const [leaving, staying] = [
        filesOf(folder, 'leaving', await first.issue('leaving')),
        filesOf(folder, 'staying', await second.issue('staying')),
      ];
      const sessionOut = folder.in('session');
      assert.equal((await sClient({ port, client: leaving, version: '1.3', sessionOut })).status, 200);
      using ending = await rawConnection(tlsOptions(port, leaving));
      using living = await rawConnection(tlsOptions(port, staying));
      await ending.ask(getRequest, /hello leaving/u);
      await living.ask(getRequest, /hello staying/u);

      writeFileSync(folder.in('next.pem'), second.pem);
      renameSync(folder.in('next.pem'), bundle);
      await ending.ended;
      await living.ask(getRequest, /hello staying/u);
      assert.deepEqual(server.heard.ended, ['untrusted_issuer']);
      const again = await sClient({ port, client: leaving, version: '1.3', sessionIn: sessionOut });
      assert.deepEqual([again.status, again.reused], [403, false]);
      assert.match(again.output, /"code":"untrusted_issuer"/u);

      // A file that is broken keeps the last good one, and says so.
      writeFileSync(bundle, 'no certificate');
      await eventually('it is told', 20_000, () =>
        server.heard.problems.some((problem) => problem.includes('partners')),
      );
      await living.ask(getRequest, /hello staying/u);
      assert.equal((await sClient({ port, client: staying })).status, 200);
    },
  );

  test('cuts off renegotiation, which would put another certificate in the place of the one that was judged', async () => {
    using folder = temporaryFolder();
    await using server = await greeting({ revocation: 'off' });
    const options = { ...tlsOptions(server.port, filesOf(folder, 'good', good)), maxVersion: 'TLSv1.2' } as const;
    using connection = await rawConnection(options);
    await connection.ask(getRequest, /hello good/u);
    const failure = await new Promise<unknown>((resolve) => {
      connection.socket.once('error', resolve);
      connection.socket.renegotiate({ rejectUnauthorized: true, requestCert: true }, resolve);
    });
    assert.match(String(failure), /no renegotiation/iu);
  });
});
