import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';

import { OID } from '@countersign/pki';
import {
  curl,
  eventually,
  getRequest,
  http2Connection,
  rawConnection,
  sClient,
  temporaryFolder,
  tlsOptions,
  without,
} from '@countersign/testkit';

import { SdkError } from '../../src/index.ts';
import { bad, crlFiles, filesOf, type Files, good, greeting, issuing, publish, serving, stranger } from './serving.ts';

describe('an HTTPS server of the SDK', () => {
  test(
    'tells its handler who calls; others get the reason, and the handler never hears of them',
    { skip: without('curl') },
    async () => {
      using folder = temporaryFolder();
      await publish(folder, [bad], 1);
      await using server = await greeting(crlFiles(folder));
      const url = `https://localhost:${server.port}/`;
      const { ca } = filesOf(folder, 'good', good);

      const served = await curl(url, filesOf(folder, 'good', good), ['--data', 'four']);
      assert.deepEqual([served.status, served.body], [200, 'hello good 4']);
      const expected = [
        [{ ca }, 401, 'no_certificate'],
        [filesOf(folder, 'stranger', stranger), 403, 'untrusted_issuer'],
        [filesOf(folder, 'bad', bad), 403, 'revoked'],
        [filesOf(folder, 'server', await issuing.issue('x', { usages: [OID.serverAuth] })), 403, 'wrong_usage'],
      ] as const;
      for (const [client, status, code] of expected) {
        const refused = await curl(url, client, ['--data', 'x'.repeat(100_000)]);
        assert.equal(refused.status, status, code);
        assert.equal(refused.headers['content-type'], 'application/problem+json');
        const problem = JSON.parse(refused.body) as Record<string, unknown>;
        assert.equal(problem['code'], code);
        assert.equal(problem['correlationId'], refused.headers['countersign-correlation-id']);
        assert.equal(refused.headers['connection'], 'close');
      }
      assert.equal(server.requests(), 1);
      assert.deepEqual(server.heard.refused, ['no_certificate', 'untrusted_issuer', 'revoked', 'wrong_usage']);
    },
  );

  for (const version of ['1.2', '1.3'] as const) {
    test(
      `judges sessions that TLS ${version} resumes as it judges new ones`,
      { skip: without('openssl') },
      async () => {
        using folder = temporaryFolder();
        await publish(folder, [], 1);
        await using server = await greeting(crlFiles(folder));
        const client = filesOf(folder, 'client', good);
        const sessionOut = folder.in('session');
        const first = await sClient({ port: server.port, client, version, sessionOut });
        assert.deepEqual([first.status, first.reused], [200, false]);
        const again = await sClient({ port: server.port, client, version, sessionIn: sessionOut });
        assert.deepEqual([again.status, again.reused], [200, true]);

        await publish(folder, [good], 2);
        await eventually('the revocation is known', 20_000, async () => {
          const { status } = await sClient({ port: server.port, client, version });
          return status === 403;
        });
        const resumed = await sClient({ port: server.port, client, version, sessionIn: sessionOut });
        assert.deepEqual([resumed.status, resumed.reused], [403, true]);
        assert.match(resumed.output, /"code":"revoked"/u);
      },
    );
  }

  test('ends live connections when their client is revoked, and the others live on', async () => {
    using folder = temporaryFolder();
    await publish(folder, [], 1);
    await using server = await greeting(crlFiles(folder));
    using leaving = await rawConnection(tlsOptions(server.port, filesOf(folder, 'bad', bad)));
    using staying = await rawConnection(tlsOptions(server.port, filesOf(folder, 'good', good)));
    await leaving.ask(getRequest, /hello bad/u);
    await staying.ask(getRequest, /hello good/u);
    assert.equal(server.trust.connections, 2);
    await publish(folder, [bad], 2);
    await leaving.ended;
    await staying.ask(getRequest, /hello good/u);
    assert.deepEqual(server.heard.ended, ['revoked']);
    assert.equal(server.trust.connections, 1);
  });

  test('ends live connections at the end of a certificate of their path', async () => {
    let offset = 0;
    const now = (): number => Date.now() + offset;
    await using server = await greeting({ revocation: 'off', now });
    using folder = temporaryFolder();
    using connection = await rawConnection(tlsOptions(server.port, filesOf(folder, 'good', good)));
    await connection.ask(getRequest, /hello good/u);
    offset = good.certificate.notAfter - Date.now() + 1000;
    await connection.ended;
    assert.deepEqual(server.heard.ended, ['expired']);
  });

  test('ends what other rules no longer admit, and refuses it from then on', { skip: without('curl') }, async () => {
    using folder = temporaryFolder();
    await using server = await greeting({ revocation: 'off', allow: () => true });
    const client = filesOf(folder, 'good', good);
    using connection = await rawConnection(tlsOptions(server.port, client));
    await connection.ask(getRequest, /hello good/u);
    server.trust.setAllow((peer) => peer.name !== 'good');
    await connection.ended;
    const { status, body } = await curl(`https://localhost:${server.port}/`, client);
    assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [403, 'not_allowed']);
    assert.deepEqual(server.heard.ended, ['not_allowed']);
  });

  test(
    'admits nobody as nobody where certificates are optional, and refuses an unacceptable one',
    { skip: without('curl') },
    async () => {
      using folder = temporaryFolder();
      await using server = await greeting({ revocation: 'off', clients: 'optional' });
      const url = `https://localhost:${server.port}/`;
      const { ca } = filesOf(folder, 'good', good);
      assert.equal((await curl(url, { ca })).body, 'hello nobody 0');
      assert.equal((await curl(url, filesOf(folder, 'good', good))).body, 'hello good 0');
      assert.equal((await curl(url, filesOf(folder, 'stranger', stranger))).status, 403);
    },
  );
});

describe('an HTTP/2 server of the SDK', () => {
  test('judges sessions, says GOAWAY to those it ends, and knows who is behind each request', async () => {
    using folder = temporaryFolder();
    await publish(folder, [], 1);
    await using made = await serving(crlFiles(folder));
    const server = made.trust.createHttp2Server({ allowHTTP1: true }, (request, response) => {
      response.end(`hello ${made.trust.peerOf(request)?.name ?? 'nobody'}`);
    });
    let streamed = '';
    server.on('stream', (stream) => (streamed = made.trust.peerOf(stream)?.name ?? ''));
    const port = await made.listen(server);
    using leaving = await http2Connection(port, filesOf(folder, 'bad', bad));
    using staying = await http2Connection(port, filesOf(folder, 'good', good));
    assert.equal((await leaving.get('/')).body, 'hello bad');
    assert.equal(streamed, 'bad');
    assert.equal((await staying.get('/')).body, 'hello good');
    using refused = await http2Connection(port, filesOf(folder, 'stranger', stranger));
    const { status, body } = await refused.get('/');
    assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [403, 'untrusted_issuer']);
    await refused.ended;
    using old = await rawConnection(tlsOptions(port, filesOf(folder, 'good', good)));
    await old.ask(getRequest, /hello good/u);

    await publish(folder, [bad], 2);
    await leaving.ended;
    assert.equal(leaving.sawGoaway(), true);
    assert.equal((await staying.get('/')).body, 'hello good');
    assert.equal(streamed, 'good');
  });
});

describe('a TLS server of the SDK', () => {
  test('tells admitted connections alone, also to who begins to listen later', async () => {
    using folder = temporaryFolder();
    await using made = await serving({ revocation: 'off' });
    const server = made.trust.createTlsServer({});
    const port = await made.listen(server);
    const names: (string | undefined)[] = [];
    server.on('secureConnection', (socket) => {
      names.push(made.trust.peerOf(socket)?.name);
      socket.end('welcome');
    });
    const told = async (client: Partial<Files>): Promise<string> => {
      using connection = await rawConnection(tlsOptions(port, client));
      await connection.ended;
      return connection.received();
    };
    assert.equal(await told(filesOf(folder, 'stranger', stranger)), '');
    assert.equal(await told({ ca: folder.in('ca.crt') }), '');
    assert.equal(await told(filesOf(folder, 'good', good)), 'welcome');
    assert.deepEqual(names, ['good']);
    assert.deepEqual(made.heard.refused, ['untrusted_issuer', 'no_certificate']);
  });

  test('knows nothing of connections that it has not admitted', async () => {
    await using made = await serving({ revocation: 'off' });
    assert.throws(
      () => made.trust.peerOf(connectTls({ port: 1, host: '127.0.0.1' }).on('error', () => undefined)),
      (error) => error instanceof SdkError && error.code === 'connection_unknown',
    );
  });
});
