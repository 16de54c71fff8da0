import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createPlainServer } from 'node:net';
import { createServer } from 'node:tls';
import { describe, it } from 'node:test';
import { der } from '@countersign/pki';
import type { Extension, GeneralName } from '@countersign/pki';
import { createRoot } from '@countersign/testkit';
import { reverseName } from '../../../src/adapters/acme/tls-alpn-01.ts';
import { keyAuthorization, testValidator } from '../../support/validator.ts';

const oid = '1.3.6.1.5.5.7.1.31';
const digest = hash('sha256', keyAuthorization, 'buffer');
const identifier: Extension = { oid, critical: true, value: der.octetString(digest) };
const name = (value: string): GeneralName => ({ type: 'dns', value });

interface Shown {
  readonly sans: readonly GeneralName[];
  readonly extensions: readonly Extension[];
  readonly protocols?: string[];
}

/** A server that shows one certificate, and the server names that it was asked for. */
async function responder({ sans, extensions, protocols = ['acme-tls/1'] }: Shown) {
  const root = await createRoot();
  const made = await root.issue('challenge', { ...(sans.length > 0 && { sans }), extensions });
  const asked: string[] = [];
  const server = createServer({
    key: made.keyPem,
    cert: made.pem,
    ALPNProtocols: protocols,
    SNICallback: (servername, callback) => {
      asked.push(servername);
      callback(null);
    },
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    [Symbol.dispose]: () => void server.close(),
  };
}

describe('tls-alpn-01', () => {
  const fault = async (shown: Shown, value = 'a.test'): Promise<string> => {
    using server = await responder(shown);
    await using validator = await testValidator({ ports: { https: server.port } });
    validator.dns.set('a.test', { addresses: ['127.0.0.1'] });
    return await validator.fault('tls-alpn-01', value);
  };

  it('takes a certificate with the one name and a critical acmeIdentifier', async () => {
    assert.equal(await fault({ sans: [name('a.test')], extensions: [identifier] }), 'good');
    assert.equal(await fault({ sans: [name('A.Test')], extensions: [identifier] }), 'good');
  });

  it('takes one for an address, which it asks for by its reverse name', async () => {
    using server = await responder({
      sans: [{ type: 'ip', value: Uint8Array.of(127, 0, 0, 1) }],
      extensions: [identifier],
    });
    await using validator = await testValidator({ ports: { https: server.port } });
    assert.equal(await validator.fault('tls-alpn-01', '127.0.0.1'), 'good');
    assert.deepEqual(server.asked, ['1.0.0.127.in-addr.arpa']);
    assert.equal(
      reverseName('2001:db8::1'),
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
    );
  });

  it('takes no other', async () => {
    const sans = [name('a.test')];
    const others: [Shown, RegExp][] = [
      [{ sans, extensions: [] }, /no critical acmeIdentifier/u],
      [{ sans, extensions: [{ ...identifier, critical: false }] }, /no critical acmeIdentifier/u],
      [{ sans, extensions: [{ ...identifier, value: der.octetString(digest.subarray(1)) }] }, /another key/u],
      [{ sans, extensions: [{ ...identifier, value: digest }] }, /another key/u],
      [{ sans, extensions: [{ ...identifier, value: new Uint8Array() }] }, /another key/u],
      [{ sans: [name('b.test')], extensions: [identifier] }, /other subjectAltNames/u],
      [{ sans: [name('*.test')], extensions: [identifier] }, /other subjectAltNames/u],
      [{ sans: [...sans, name('b.test')], extensions: [identifier] }, /other subjectAltNames/u],
      [{ sans: [], extensions: [identifier] }, /other subjectAltNames/u],
      [
        { sans: [{ type: 'ip', value: Uint8Array.of(127, 0, 0, 1) }], extensions: [identifier] },
        /other subjectAltNames/u,
      ],
      [{ sans: [{ type: 'email', value: 'a.test' }], extensions: [identifier] }, /other subjectAltNames/u],
      [{ sans, extensions: [identifier], protocols: ['http/1.1'] }, /^tls: /u],
    ];
    for (const [shown, found] of others) assert.match(await fault(shown), found);
    assert.match(await fault({ sans, extensions: [identifier] }, '127.0.0.1'), /other subjectAltNames/u);
  });

  it('withstands a server that says nothing, and one that speaks no TLS', async () => {
    const server = createPlainServer((socket) => {
      socket.on('error', () => undefined);
      if (server.listenerCount('speaks') > 0) socket.end('HTTP/1.1 400 no\r\n\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await using validator = await testValidator({ ports: { https: port }, timeoutSeconds: 1 });
    assert.match(await validator.fault('tls-alpn-01', '127.0.0.1'), /^connection: /u);
    server.on('speaks', () => undefined);
    assert.match(await validator.fault('tls-alpn-01', '127.0.0.1'), /^(?:tls|connection): /u);
    server.close();
  });

  it('connects to no address that the rule refuses', async () => {
    using server = await responder({ sans: [name('a.test')], extensions: [identifier] });
    await using validator = await testValidator({ ports: { https: server.port }, allow: [] });
    validator.dns.set('a.test', { addresses: ['127.0.0.1'] });
    assert.match(await validator.fault('tls-alpn-01', 'a.test'), /^unauthorized: .*not connected to/u);
    assert.deepEqual(server.asked, []);
  });
});
