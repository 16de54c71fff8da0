import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import {
  createRoot,
  curl,
  eventually,
  serveHttp,
  serveOcsp,
  temporaryFolder,
  without,
  type OcspBehaviour,
  type TestCa,
  type TestCertificate,
} from '@countersign/testkit';

import { createIdentity, openServerTrust, SdkError, type ServerTrustOptions } from '../../src/index.ts';
import { bad, filesOf, good, greeting, issuing, root, shown } from './serving.ts';

describe('revocation by OCSP and by CRLs at URLs', () => {
  const statusOf = (revoked: readonly TestCertificate[]): OcspBehaviour => ({
    now: Date.now,
    status: (serial) =>
      revoked.some(({ certificate }) => certificate.serialHex === serial)
        ? { status: 'revoked', revocationTime: Date.now() - 1000 }
        : { status: 'good' },
  });

  test(
    'a connection waits for an answer that is not here, and what it sent meanwhile is served whole',
    { skip: without('curl') },
    async () => {
      using folder = temporaryFolder();
      // One responder for the leaf's issuer and one for the issuing CA's own: both CAs answer at the same place.
      await using leaves = await serveOcsp(issuing, () => statusOf([bad]));
      await using list = await serveHttp((_request, response) => {
        void root.crl({ number: 1 }).then((der) => response.end(der));
      });
      const revocation = { ocsp: { urls: [leaves.url] }, crls: [{ url: list.url }], waitMs: 20_000 };
      await using server = await greeting({ revocation });
      const url = `https://localhost:${server.port}/`;
      const body = 'x'.repeat(300_000);
      writeFileSync(folder.in('body'), body);
      const served = await curl(url, filesOf(folder, 'good', good), ['--data-binary', `@${folder.in('body')}`]);
      assert.deepEqual([served.status, served.body], [200, 'hello good 300000']);
      const refused = await curl(url, filesOf(folder, 'bad', bad));
      assert.deepEqual([refused.status, (JSON.parse(refused.body) as { code: string }).code], [403, 'revoked']);
      assert.ok(leaves.seen.length >= 2);
    },
  );

  test(
    'a dead source shuts everybody out under hard, nobody under soft, and both say so',
    { skip: without('curl') },
    async () => {
      using folder = temporaryFolder();
      await using list = await serveHttp((_request, response) => response.writeHead(500).end());
      for (const [mode, status] of [
        ['hard', 503],
        ['soft', 200],
      ] as const) {
        await using server = await greeting({ revocation: { crls: [{ url: list.url }], mode } });
        const answer = await curl(`https://localhost:${server.port}/`, filesOf(folder, 'good', good));
        assert.equal(answer.status, status, mode);
        assert.equal(server.heard.soft.length > 0, mode === 'soft');
        if (mode === 'hard') assert.match(answer.body, /revocation_stale/u);
      }
    },
  );

  test(
    'what was known before a restart is known after it, though nothing can be had',
    { skip: without('curl') },
    async () => {
      using folder = temporaryFolder();
      const both = async (ca: TestCa, revoked: readonly TestCertificate[]) => ca.crl({ revoked, number: 1 });
      await using rootList = await serveHttp(
        (_request, response) => void both(root, []).then((der) => response.end(der)),
      );
      await using list = await serveHttp(
        (_request, response) => void both(issuing, [bad]).then((der) => response.end(der)),
      );
      const options = {
        revocation: { crls: [{ url: rootList.url }, { url: list.url }] },
        stateDir: folder.in('state'),
      };
      {
        await using server = await greeting(options);
        const answer = await curl(`https://localhost:${server.port}/`, filesOf(folder, 'bad', bad));
        assert.equal(answer.status, 403);
        await eventually('both lists are kept', 10_000, () => server.trust.settled().then(() => true));
      }
      for (const dead of [rootList, list]) dead.behave((_request, response) => response.writeHead(500).end());
      await using server = await greeting(options);
      const url = `https://localhost:${server.port}/`;
      assert.equal((await curl(url, filesOf(folder, 'good', good))).status, 200);
      assert.match((await curl(url, filesOf(folder, 'bad', bad))).body, /"code":"revoked"/u);
    },
  );
});

describe('options of a server', () => {
  const wrong: Readonly<Record<string, ServerTrustOptions>> = {
    'that say nothing of clients': {},
    'with two answers to one question': { authority: { url: 'https://ca.test' }, revocation: 'off' },
    'with revocation that asks nobody': { revocation: { mode: 'hard' } },
    'with a bundle of the name of the own one': {
      revocation: 'off',
      bundles: { own: { files: [], revocation: 'off' } },
    },
    'with a name that could be a path': { bundles: { '../x': { files: ['a.pem'], revocation: 'off' } } },
    'with a URL that is none': { authority: { url: 'ca.test:8443' } },
    'with an authority in the clear': { authority: { url: 'http://ca.test:8080' } },
  };
  for (const [name, options] of Object.entries(wrong)) {
    test(`${name} are refused`, async () => {
      const identity = await createIdentity({ cert: shown.chainPem, key: shown.keyPem, ca: root.pem });
      await assert.rejects(
        openServerTrust(identity, options),
        (error) => error instanceof SdkError && error.code === 'server_options',
      );
      identity.close();
    });
  }

  test('further CAs come in beside the own ones, each by its own revocation', { skip: without('curl') }, async () => {
    using folder = temporaryFolder();
    const partner = await createRoot('Partner');
    const [theirs, revoked] = [await partner.issue('theirs'), await partner.issue('revoked')];
    writeFileSync(folder.in('partner.pem'), partner.pem);
    writeFileSync(folder.in('partner.crl'), await partner.crl({ revoked: [revoked], number: 1 }));
    const partners = {
      files: [folder.in('partner.pem')],
      revocation: { crls: [{ file: folder.in('partner.crl') }] },
    };
    await using server = await greeting({ revocation: 'off', bundles: { partners } });
    const url = `https://localhost:${server.port}/`;
    assert.equal((await curl(url, filesOf(folder, 'theirs', theirs))).body, 'hello theirs 0');
    assert.equal((await curl(url, filesOf(folder, 'good', good))).body, 'hello good 0');
    assert.match((await curl(url, filesOf(folder, 'revoked', revoked))).body, /"code":"revoked"/u);
  });
});
