import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { deadPort, runCommand, startPeerServer, without } from '@countersign/testkit';
import { interopTest } from '../support/interop.ts';
import type { InteropTest, IssuedFiles } from '../support/interop.ts';
import { nginxConfig } from '../support/nginx.ts';

describe('the full CRL and the root’s', () => {
  let test: InteropTest;
  let server: IssuedFiles;
  before(async () => {
    test = await interopTest();
    server = await test.issued('localhost', 'server');
  });
  after(() => test[Symbol.asyncDispose]());

  const ask = (port: number, { chain, key }: IssuedFiles) =>
    runCommand('curl', ['-s', '--cacert', test.root, '--cert', chain, '--key', key, `https://localhost:${port}/`]);

  it(
    'let a client into nginx by ssl_crl, and keep it out once it is revoked and the file is read again',
    { skip: without('nginx', 'curl') },
    async () => {
      const [client, other] = [await test.issued('nginx-client'), await test.issued('nginx-other')];
      const port = await deadPort();
      const file = await test.crls('nginx', 'root', 'issuing-1');
      const lines = ['ssl_verify_client on;', `ssl_client_certificate ${test.cas};`, `ssl_crl ${file};`];
      const conf = nginxConfig(test.folder, { port, server, lines });
      const start = () => startPeerServer('nginx', ['-e', 'stderr', '-c', conf], { port });
      {
        await using running = await start();
        assert.equal((await ask(port, client)).stdout, 'let in\n', running.output());
      }
      await test.revoke(client.serial);
      await test.crls('nginx', 'root', 'issuing-1');
      await using running = await start();
      assert.match((await ask(port, client)).stdout, /The SSL certificate error/u, running.output());
      assert.match(running.output(), /certificate revoked/u);
      assert.equal((await ask(port, other)).stdout, 'let in\n');
    },
  );

  it(
    'let a client into HAProxy by crl-file, and keep it out once it is revoked and the file is given anew',
    { skip: without('haproxy', 'curl') },
    async () => {
      const [client, other] = [await test.issued('haproxy-client'), await test.issued('haproxy-other')];
      const port = await deadPort();
      const file = await test.crls('haproxy', 'root', 'issuing-1');
      const conf = test.folder.in('haproxy-crl.cfg');
      writeFileSync(
        conf,
        `defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend f
  bind 127.0.0.1:${port} ssl crt ${server.bundle} ca-file ${test.cas} verify required crl-file ${file}
  http-request return status 200 content-type text/plain string let-in
`,
      );
      const start = () => startPeerServer('haproxy', ['-db', '-f', conf], { port });
      {
        await using running = await start();
        assert.equal((await ask(port, client)).stdout, 'let-in', running.output());
      }
      await test.revoke(client.serial);
      await test.crls('haproxy', 'root', 'issuing-1');
      await using running = await start();
      const refused = await ask(port, client);
      assert.deepEqual([refused.code === 0, refused.stdout], [false, ''], running.output());
      assert.equal((await ask(port, other)).stdout, 'let-in');
    },
  );

  it(
    'tell curl --crlfile and gnutls-cli --x509crlfile whether a server is still one of ours',
    { skip: without('nginx', 'curl', 'gnutls-cli') },
    async () => {
      const own = await test.issued('localhost', 'server', 'victim');
      const port = await deadPort();
      const conf = nginxConfig(test.folder, { port, server: own, lines: [] });
      await using running = await startPeerServer('nginx', ['-e', 'stderr', '-c', conf], { port });
      const byCurl = (file: string) =>
        runCommand('curl', ['-sS', '--cacert', test.root, '--crlfile', file, `https://localhost:${port}/`]);
      // GnuTLS takes a CRL only from a CA that it has been given.
      const byGnutls = (file: string) =>
        runCommand('gnutls-cli', ['--x509cafile', test.cas, '--x509crlfile', file, '-p', `${port}`, 'localhost'], {
          input: '',
        });
      const before = await test.crls('before', 'root', 'issuing-1');
      assert.equal((await byCurl(before)).stdout, 'let in\n', running.output());
      assert.match((await byGnutls(before)).stdout, /Status: The certificate is trusted/u);
      await test.revoke(own.serial);
      const after = await test.crls('after', 'root', 'issuing-1');
      assert.match((await byCurl(after)).stderr, /certificate revoked/u);
      assert.match((await byGnutls(after)).stdout, /The certificate chain is revoked|The certificate is revoked/u);
    },
  );
});
