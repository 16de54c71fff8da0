import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { buildOcspRequest, parseCertificate, pemDecodeOne } from '@countersign/pki';
import { deadPort, eventually, runCommand, startPeerServer, without } from '@countersign/testkit';
import { nodeCrypto } from '@countersign/trust';
import { interopTest } from '../support/interop.ts';
import type { InteropTest, IssuedFiles } from '../support/interop.ts';
import { nginxConfig } from '../support/nginx.ts';

describe('servers of others', () => {
  let test: InteropTest;
  let server: IssuedFiles;
  before(async () => {
    test = await interopTest();
    server = await test.issued('localhost', 'server');
  });
  after(() => test[Symbol.asyncDispose]());

  /** The answer about a certificate, in DER. */
  async function answerAbout({ cert }: IssuedFiles): Promise<Buffer> {
    const parse = (file: string) => parseCertificate(pemDecodeOne(readFileSync(file, 'utf8'), 'CERTIFICATE'));
    const body = Buffer.from(buildOcspRequest([parse(cert)], parse(test.issuer), nodeCrypto));
    const headers = { 'content-type': 'application/ocsp-request' };
    return Buffer.from(await (await fetch(test.ocsp, { method: 'POST', headers, body })).arrayBuffer());
  }

  /** What `openssl s_client` is told about the server when it asks for a staple. */
  async function stapled(port: number): Promise<string> {
    const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-status'];
    return (await runCommand('openssl', [...args, '-CAfile', test.root])).stdout;
  }

  const nginx = (port: number, lines: readonly string[]): string => nginxConfig(test.folder, { port, server, lines });

  it(
    'nginx lets a client in by ssl_ocsp, and refuses it once it is revoked',
    { skip: without('nginx', 'curl') },
    async () => {
      const client = await test.issued('nginx-client');
      const port = await deadPort();
      // Of the issuing CA's own certificate the root's CRL tells, not OCSP.
      const lines = ['ssl_verify_client on;', `ssl_client_certificate ${test.cas};`, 'ssl_ocsp leaf;'];
      await using running = await startPeerServer('nginx', ['-e', 'stderr', '-c', nginx(port, lines)], { port });
      const ask = async () => {
        const args = ['-s', '--cacert', test.root, '--cert', client.chain, '--key', client.key];
        return (await runCommand('curl', [...args, `https://localhost:${port}/`])).stdout;
      };
      assert.equal(await ask(), 'let in\n', running.output());
      await test.revoke(client.serial);
      assert.match(await ask(), /The SSL certificate error/u);
      await eventually('nginx says why', 10_000, () => /certificate revoked/u.test(running.output()));
    },
  );

  it('nginx staples what it fetches from us', { skip: without('nginx', 'openssl') }, async () => {
    const port = await deadPort();
    const lines = ['ssl_stapling on;', 'ssl_stapling_verify on;', `ssl_trusted_certificate ${test.cas};`];
    await using running = await startPeerServer('nginx', ['-e', 'stderr', '-c', nginx(port, lines)], { port });
    // The first handshake only makes it fetch.
    const told = await eventually('nginx staples', 20_000, async () => {
      const output = await stapled(port);
      return output.includes('OCSP Response Status: successful') ? output : undefined;
    });
    assert.match(told, /Cert Status: good/u, running.output());
    assert.match(told, /Verify return code: 0 \(ok\)/u);
  });

  it(
    'HAProxy staples our answer, and the next one that it is given while it runs',
    { skip: without('haproxy', 'openssl') },
    async () => {
      const own = await test.issued('haproxy.test', 'server');
      const port = await deadPort();
      const socket = test.folder.in('haproxy.sock');
      const conf = test.folder.in('haproxy.cfg');
      writeFileSync(`${own.bundle}.issuer`, readFileSync(test.issuer));
      writeFileSync(`${own.bundle}.ocsp`, await answerAbout(own));
      writeFileSync(
        conf,
        `global
  stats socket ${socket} level admin
defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend f
  bind 127.0.0.1:${port} ssl crt ${own.bundle}
  http-request return status 200
`,
      );
      await using running = await startPeerServer('haproxy', ['-db', '-f', conf], { port });
      const command = async (line: string): Promise<string> => {
        const connection = createConnection(socket);
        connection.end(`${line}\n`);
        return text(connection);
      };
      assert.match(await stapled(port), /Cert Status: good/u, running.output());
      assert.match(await command('show ssl ocsp-response'), new RegExp(own.serial, 'iu'));

      await test.revoke(own.serial);
      const next = await answerAbout(own);
      assert.match(await command(`set ssl ocsp-response ${next.toString('base64')}`), /OCSP Response updated/u);
      assert.match(await stapled(port), /Cert Status: revoked/u);
    },
  );
});
