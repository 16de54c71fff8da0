import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { describe, test } from 'node:test';

import { eventually, temporaryFolder } from '@countersign/testkit';
import type { TestCertificate } from '@countersign/testkit';

import { createIdentity, openIdentity, saveIdentity, SdkError } from '../../src/index.ts';
import type { Identity } from '../../src/index.ts';
import { api, issuing, listen, root, serverContext } from '../fixture.ts';
import type { Listening } from '../fixture.ts';

const first = await issuing.issue('first');
const second = await issuing.issue('second');

function identityOf(certificate: TestCertificate): Promise<Identity> {
  return createIdentity({ cert: certificate.chainPem, key: certificate.keyPem, ca: root.pem });
}

/** A server that says who came, over which connection, and echoes the body. */
async function whoServer(): Promise<Listening & { url: string; sockets: Set<TLSSocket> }> {
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    { ...serverContext(api), ca: root.pem, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      if (request.url === '/redirect') {
        response.writeHead(302, { location: '/' }).end();
        return;
      }
      if (request.url === '/away') {
        response.writeHead(302, { location: 'http://localhost:1/' }).end();
        return;
      }
      response.setHeader('who', String(socket.getPeerCertificate().subject.CN));
      response.setHeader('port', String(socket.remotePort));
      response.setHeader('method', request.method ?? '');
      request.pipe(response);
    },
  );
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const listening = await listen(server);
  return { ...listening, sockets, url: `https://localhost:${listening.port}/` };
}

describe('an identity', () => {
  test('is shown by fetch, https and tls, and verifies the other side', async () => {
    await using server = await whoServer();
    const identity = await identityOf(first);
    const response = await identity.fetch(server.url, { method: 'POST', body: 'hello' });
    assert.equal(response.headers.get('who'), 'first');
    assert.equal(response.headers.get('method'), 'POST');
    assert.equal(await response.text(), 'hello');
    const [answer] = (await once(get(server.url, { agent: identity.agent }), 'response')) as [IncomingMessage];
    assert.equal(answer.headers['who'], 'first');
    answer.resume();
    const socket = connect({ ...identity.tlsOptions(), host: 'localhost', port: server.port, servername: 'localhost' });
    await once(socket, 'secureConnect');
    assert.equal(socket.authorized, true);
    socket.destroy();
    const stranger = await createIdentity({ cert: first.chainPem, key: first.keyPem, ca: issuing.pem });
    await assert.rejects(stranger.fetch(server.url), TypeError);
    identity.close();
    stranger.close();
  });

  test('fetch follows redirects to https alone and streams bodies both ways', async () => {
    await using server = await whoServer();
    const identity = await identityOf(first);
    const redirected = await identity.fetch(`${server.url}redirect`);
    assert.equal(redirected.headers.get('who'), 'first');
    await redirected.text();
    assert.equal((await identity.fetch(`${server.url}redirect`, { redirect: 'manual' })).status, 302);
    await assert.rejects(identity.fetch(`${server.url}redirect`, { redirect: 'error' }), TypeError);
    await assert.rejects(identity.fetch(`${server.url}away`), TypeError);
    await assert.rejects(identity.fetch('http://localhost:1/'), TypeError);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let n = 0; n < 64; n += 1) controller.enqueue(new Uint8Array(16_384).fill(n));
        controller.close();
      },
    });
    const echoed = await identity.fetch(server.url, { method: 'PUT', body, duplex: 'half' } as RequestInit);
    assert.equal((await echoed.arrayBuffer()).byteLength, 64 * 16_384);
    const aborted = AbortSignal.abort(new Error('enough'));
    await assert.rejects(identity.fetch(server.url, { signal: aborted }), /enough/);
    identity.close();
  });

  test('after a rotation no request goes over a connection of before, and idle ones are closed', async () => {
    await using server = await whoServer();
    const identity = await identityOf(first);
    const ask = async (): Promise<{ who: string | null; port: string | null }> => {
      const response = await identity.fetch(server.url);
      await response.text();
      return { who: response.headers.get('who'), port: response.headers.get('port') };
    };
    const one = await ask();
    const two = await ask();
    assert.equal(one.port, two.port, 'connections are kept');
    // Busy while the rotation comes: it is answered, and its connection is not used again.
    const upload = new TransformStream<Uint8Array, Uint8Array>();
    const writer = upload.writable.getWriter();
    const busy = identity.fetch(server.url, { method: 'PUT', body: upload.readable, duplex: 'half' } as RequestInit);
    await writer.write(Buffer.from('half '));
    const answer = await busy;
    identity.replace((await identityOf(second)).material);
    await writer.write(Buffer.from('done'));
    await writer.close();
    assert.equal(await answer.text(), 'half done');
    const three = await ask();
    assert.deepEqual([one.who, answer.headers.get('who'), three.who], ['first', 'first', 'second']);
    await eventually('the connections of before are closed', 5000, () => server.sockets.size === 1);
    identity.close();
  });

  test('follows its files, and keeps the last good one when they break', async () => {
    using folder = temporaryFolder();
    const files = { cert: folder.in('demo.crt'), key: folder.in('demo.key'), ca: folder.in('ca.crt') };
    await saveIdentity(files, { cert: first.chainPem, key: first.keyPem, ca: root.pem });
    const identity = await openIdentity(files, { pollMs: 20, settleMs: 5 });
    const rotated = once(identity, 'rotated');
    await saveIdentity(files, { cert: second.chainPem, key: second.keyPem, ca: root.pem });
    await rotated;
    assert.deepEqual(identity.material.leaf.der, second.der);
    const broken = once(identity, 'broken');
    await writeFile(files.cert, 'half written');
    const [error] = (await broken) as [unknown];
    assert.ok(error instanceof SdkError);
    assert.deepEqual(identity.material.leaf.der, second.der);
    identity.close();
  });

  test('a server that follows it shows the new certificate to new connections', async () => {
    const server = createServer(serverContext(api), (_request, response) => response.end());
    await using listening = await listen(server);
    const own = await createIdentity({ cert: api.chainPem, key: api.keyPem, ca: root.pem });
    const stop = own.follow(server);
    const shown = async (): Promise<string> => {
      const socket = connect({ host: 'localhost', port: listening.port, servername: 'localhost', ca: root.pem });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber.toLowerCase();
    };
    assert.equal(await shown(), api.certificate.serialHex);
    const renewed = await issuing.issueServer('localhost');
    own.replace((await createIdentity({ cert: renewed.chainPem, key: renewed.keyPem, ca: root.pem })).material);
    assert.equal(await shown(), renewed.certificate.serialHex);
    stop();
    own.close();
  });

  test('is refused where the environment has switched verification off', async () => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      await assert.rejects(identityOf(first), (error) => error instanceof SdkError && error.code === 'tls_disarmed');
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    }
  });
});
