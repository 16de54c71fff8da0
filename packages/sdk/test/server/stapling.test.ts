import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect } from 'node:tls';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { describe, test } from 'node:test';

import { authorityInfoAccess, buildOcspRequest, OID, parseCertificate, tlsFeature } from '@countersign/pki';
import {
  BAD_ANSWERS,
  createRoot,
  eventually,
  ocspAnswer,
  type OcspBehaviour,
  runCommand,
  serveOcsp,
  temporaryFolder,
  type TestCa,
  type TestCertificate,
  without,
} from '@countersign/testkit';
import { nodeCrypto } from '@countersign/trust';

import {
  createIdentity,
  judgeServerStatus,
  SdkError,
  type FollowOptions,
  type Identity,
  type StapleDemand,
} from '../../src/index.ts';
import { listen } from '../fixture.ts';

const root = await createRoot('Stapling Root');
const issuing = await root.issueCa('Stapling Issuing');
const me = await issuing.issue('me');
const naming = (url: string) => authorityInfoAccess([{ method: OID.ocsp, location: { type: 'uri', value: url } }]);
const localhost = { usages: [OID.serverAuth], sans: [{ type: 'dns', value: 'localhost' } as const] };
const mustStaple = tlsFeature([5]);
const REVOKED: OcspBehaviour = {
  now: Date.now,
  status: () => ({ status: 'revoked', revocationTime: Date.now() - 1000 }),
};

const identityOf = (certificate: TestCertificate, staple: StapleDemand = 'honoured'): Promise<Identity> =>
  createIdentity({ cert: certificate.chainPem, key: certificate.keyPem, ca: root.pem }, { staple });

/** A server of an identity; answers to GET come back as `ok`, and it counts them. */
async function serve(certificate: TestCertificate, options: FollowOptions = {}) {
  const identity = await identityOf(certificate);
  let requests = 0;
  const server = createServer(identity.tlsOptions(), (_request, response) => {
    requests += 1;
    response.end('ok');
  });
  server.on('tlsClientError', () => undefined);
  const followed = identity.follow(server, options);
  await followed.ready;
  const listening = await listen(server);
  return {
    identity,
    server,
    port: listening.port,
    url: `https://localhost:${listening.port}/`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      followed();
      identity.close();
      await listening[Symbol.asyncDispose]();
    },
  };
}

/** A bare server that staples what it is told to. */
async function stapling(certificate: TestCertificate, staple: Uint8Array | null, chainPem = certificate.chainPem) {
  let requests = 0;
  const server: Server = createServer({ cert: chainPem, key: certificate.keyPem }, (_request, response) => {
    requests += 1;
    response.end('ok');
  });
  server.on('tlsClientError', () => undefined);
  server.on('OCSPRequest', (_certificate, _issuer, callback) =>
    callback(null, staple === null ? null : Buffer.from(staple)),
  );
  const { port, ...rest } = await listen(server);
  return { ...rest, url: `https://localhost:${port}/`, port, requests: () => requests };
}

const answerFor = (certificate: TestCertificate, behaviour: OcspBehaviour = {}, issuer: TestCa = issuing) =>
  ocspAnswer(buildOcspRequest([certificate.certificate], issuer.certificate, nodeCrypto), issuer, {
    now: Date.now,
    ...behaviour,
  });

/** `ok`, or the code of the refusal, by fetch. */
async function wordOf(url: string, demand: StapleDemand): Promise<string> {
  const identity = await identityOf(me, demand);
  try {
    return await (await identity.fetch(url)).text();
  } catch (error) {
    const cause = (error as Error).cause;
    return cause instanceof SdkError ? cause.code : String(error);
  } finally {
    identity.close();
  }
}

describe('a server that follows an identity', () => {
  test('staples its response, and clients that demand one come in; the responder is not asked by them', async () => {
    await using responder = await serveOcsp(issuing, () => ({ now: Date.now }));
    await using server = await serve(
      await issuing.issue('localhost', { ...localhost, extensions: [naming(responder.url)] }),
    );
    for (const demand of ['required', 'honoured', 'ignored'] as const) {
      assert.equal(await wordOf(server.url, demand), 'ok');
    }
    assert.equal(responder.seen.length, 1);
  });

  test('shows what openssl s_client takes for good', { skip: without('openssl') }, async () => {
    using folder = temporaryFolder();
    await using responder = await serveOcsp(issuing, () => ({ now: Date.now }));
    await using server = await serve(
      await issuing.issue('localhost', { ...localhost, extensions: [naming(responder.url)] }),
    );
    root.write(folder.path, 'root');
    const args = ['s_client', '-status', '-connect', `127.0.0.1:${server.port}`, '-servername', 'localhost'];
    const { stdout } = await runCommand('openssl', [...args, '-CAfile', folder.in('root.crt')]);
    assert.match(stdout, /Cert Status: good/u);
    assert.match(stdout, /Verify return code: 0 \(ok\)/u);
  });

  test('goes on with the last good response when its responder is dead, and says so; off staples nothing', async () => {
    await using responder = await serveOcsp(issuing, () => ({ now: Date.now, nextUpdate: 60_000 }));
    const certificate = await issuing.issue('localhost', { ...localhost, extensions: [naming(responder.url)] });
    const problems: string[] = [];
    await using server = await serve(certificate, { staple: { onProblem: (problem) => problems.push(problem) } });
    responder.behave(BAD_ANSWERS.error);
    assert.equal(await wordOf(server.url, 'required'), 'ok');
    assert.equal(problems.length, 0);
    await using dead = await serve(certificate, { staple: { onProblem: (problem) => problems.push(problem) } });
    assert.equal(await wordOf(dead.url, 'required'), 'staple_missing');
    assert.equal(await wordOf(dead.url, 'honoured'), 'ok');
    assert.equal(problems.length, 1);
    await using off = await serve(certificate, { staple: 'off' });
    assert.equal(await wordOf(off.url, 'required'), 'staple_missing');
  });

  test('shows a certificate that must be stapled only together with its response', async () => {
    await using responder = await serveOcsp(issuing, () => ({ now: Date.now }));
    const extensions = [naming(responder.url), mustStaple];
    const [first, second] = [
      await issuing.issue('localhost', { ...localhost, extensions }),
      await issuing.issue('localhost', { ...localhost, extensions }),
    ];
    await using server = await serve(first);
    const waiting: (() => void)[] = [];
    responder.behave((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        waiting.push(() => void answerFor(second).then((der) => response.end(der)));
      });
    });
    server.identity.replace((await identityOf(second)).material);
    await eventually('it asks for the response of the next', 10_000, () => waiting.length === 1);
    assert.equal(await shownBy(server.port), first.certificate.serialHex);
    waiting[0]?.();
    await eventually(
      'the next is shown',
      10_000,
      async () => (await shownBy(server.port)) === second.certificate.serialHex,
    );
    assert.equal(await wordOf(server.url, 'honoured'), 'ok');
  });
});

describe('a client', () => {
  test('sends nothing to a server that is revoked by its own response, unless it was told to ignore that', async () => {
    const certificate = await issuing.issue('localhost', localhost);
    await using server = await stapling(certificate, await answerFor(certificate, REVOKED));
    assert.equal(await wordOf(server.url, 'required'), 'server_revoked');
    assert.equal(await wordOf(server.url, 'honoured'), 'server_revoked');
    assert.equal(server.requests(), 0);
    assert.equal(await wordOf(server.url, 'ignored'), 'ok');
  });

  test('that demands a response takes none that proves nothing', async () => {
    const certificate = await issuing.issue('localhost', localhost);
    const [other, twin] = [await issuing.issue('other'), await root.issueCa('Stapling Issuing')];
    const bad: Record<string, Uint8Array | null> = {
      none: null,
      garbage: Buffer.from('<html>'),
      'an error': await answerFor(certificate, { error: 'tryLater' }),
      "another certificate's": await answerFor(other),
      expired: await answerFor(certificate, { thisUpdate: -7_200_000, nextUpdate: -3_600_000 }),
      unknown: await answerFor(certificate, { status: () => ({ status: 'unknown' }) }),
      'by a stranger': await answerFor(certificate, { delegate: other }),
      'by a CA of the same name': await answerFor(certificate, { delegate: twin }),
    };
    for (const [name, staple] of Object.entries(bad)) {
      await using server = await stapling(certificate, staple);
      assert.equal(await wordOf(server.url, 'required'), staple === null ? 'staple_missing' : 'staple_invalid', name);
      assert.equal(server.requests(), 0);
      assert.equal(await wordOf(server.url, 'honoured'), 'ok', name);
    }
  });

  test('is not deceived by a forged issuer among the certificates that a revoked server shows', async () => {
    const certificate = await issuing.issue('localhost', localhost);
    const keyId = issuing.certificate.subjectKeyId ?? assert.fail('the CA has a key identifier');
    const self = await createRoot('Mallory');
    // The name and the key identifier of the real one, and a key of Mallory's own.
    const forged = await self.issueCa('Stapling Issuing', {
      extensions: [
        { oid: OID.subjectKeyIdentifier, critical: false, value: Buffer.concat([Buffer.of(4, keyId.length), keyId]) },
      ],
    });
    assert.equal(parseCertificate(forged.der).subject.key, issuing.certificate.subject.key);
    const staple = await answerFor(certificate, {}, forged);
    await using server = await stapling(certificate, staple, certificate.pem + issuing.pem + forged.pem);
    assert.equal(await wordOf(server.url, 'required'), 'staple_invalid');
    await using other = await stapling(certificate, staple, certificate.pem + forged.pem + issuing.pem);
    assert.notEqual(await wordOf(other.url, 'required'), 'ok');
    assert.deepEqual([server.requests(), other.requests()], [0, 0]);
    // However the platform links them.
    const linked = { raw: certificate.der, issuerCertificate: { raw: forged.der } } as unknown as PeerCertificate;
    const status = { demand: 'required', roots: [issuing.certificate], now: Date.now } as const;
    assert.equal(judgeServerStatus(linked, staple, status)?.code, 'staple_invalid');
    assert.equal(judgeServerStatus(linked, await answerFor(certificate), status), undefined);
  });

  test('holds a server to the must-staple of its certificate', async () => {
    const certificate = await issuing.issue('localhost', { ...localhost, extensions: [mustStaple] });
    await using without_ = await stapling(certificate, null);
    assert.equal(await wordOf(without_.url, 'honoured'), 'staple_missing');
    await using with_ = await stapling(certificate, await answerFor(certificate));
    assert.equal(await wordOf(with_.url, 'honoured'), 'ok');
  });

  test('that demands a response resumes no session, and by a plain connection is refused the same', async () => {
    const certificate = await issuing.issue('localhost', localhost);
    await using server = await stapling(certificate, await answerFor(certificate));
    for (const [demand, reused] of [
      ['required', [false, false]],
      ['honoured', [false, true]],
    ] as const) {
      const identity = await identityOf(me, demand);
      const seen: boolean[] = [];
      for (let n = 0; n < 2; n += 1) {
        const request = get(server.url, { agent: identity.agent, headers: { connection: 'close' } });
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        seen.push((response.socket as TLSSocket).isSessionReused());
        const closed = once(response.socket, 'close');
        response.resume();
        await closed;
      }
      assert.deepEqual(seen, reused, demand);
      identity.close();
    }
    await using silent = await stapling(certificate, null);
    const identity = await identityOf(me, 'required');
    const refused = identity.connect({ host: 'localhost', port: silent.port, servername: 'localhost' });
    const [error] = (await once(refused, 'error')) as [SdkError];
    assert.equal(error.code, 'staple_missing');
    const taken = identity.connect({ host: 'localhost', port: server.port, servername: 'localhost' });
    await once(taken, 'secureConnect');
    taken.destroy();
    identity.close();
  });
});

async function shownBy(port: number): Promise<string> {
  const socket = connect({ port, host: 'localhost', servername: 'localhost', ca: root.pem });
  await once(socket, 'secureConnect');
  const der = socket.getPeerX509Certificate()?.raw ?? new Uint8Array();
  socket.destroy();
  return parseCertificate(der).serialHex;
}
