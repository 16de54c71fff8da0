// Caddy as an ACME client: it gets what it serves with by itself, and renews it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { after, before, test } from 'node:test';
import { deadPort, endWithProcess, eventually, peer, without } from '@countersign/testkit';
import { type AcmeWorld, acmeWorld, statuses } from './world.ts';

let world: AcmeWorld;
before(async () => {
  world = await acmeWorld(['http.caddy.test', 'alpn.caddy.test']);
});
after(() => world[Symbol.asyncDispose]());

/** The serial that a server shows for a name, to a client that trusts our root and nothing else; undefined without a handshake. */
async function served(port: number, servername: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host: '127.0.0.1', port, servername, ca: world.root });
  socket.once('secureConnect', () => resolve(socket.getPeerCertificate().serialNumber));
  socket.once('error', () => resolve(undefined));
  const serial = await promise;
  socket.destroy();
  return serial;
}

for (const challenge of ['http', 'tls-alpn'] as const) {
  test(
    `Caddy by ${challenge}-01 serves with a certificate of ours, and renews it`,
    { skip: without('caddy') },
    async () => {
      const name = challenge === 'http' ? 'http.caddy.test' : 'alpn.caddy.test';
      const other = await deadPort();
      const [httpPort, httpsPort] = challenge === 'http' ? [world.httpPort, other] : [other, world.httpsPort];
      const disabled = challenge === 'http' ? { 'tls-alpn': { disabled: true } } : { http: { disabled: true } };
      const issuer = {
        module: 'acme',
        ca: world.directory,
        email: 'ops@example.com',
        trusted_roots_pem_files: [world.rootFile],
        challenges: disabled,
      };
      const folder = join(world.folder, name);
      const config = {
        admin: { disabled: true },
        storage: { module: 'file_system', root: folder },
        apps: {
          http: {
            http_port: httpPort,
            https_port: httpsPort,
            servers: {
              all: {
                listen: [`127.0.0.1:${httpsPort}`],
                routes: [{ match: [{ host: [name] }], handle: [{ handler: 'static_response', body: 'served' }] }],
              },
            },
          },
          tls: {
            automation: {
              renew_interval: '2s',
              // Whatever has begun to run out is renewed.
              policies: [{ subjects: [name], issuers: [issuer], renewal_window_ratio: 0.99999 }],
            },
          },
        },
      };
      const file = join(world.folder, `${name}.json`);
      writeFileSync(file, JSON.stringify(config));
      const caddy = spawn(peer('caddy') ?? 'caddy', ['run', '--config', file], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, HOME: world.folder, XDG_DATA_HOME: world.folder, XDG_CONFIG_HOME: world.folder },
      });
      endWithProcess(caddy);
      let said = '';
      caddy.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      try {
        const first = await eventually(`Caddy serves: ${said}`, 60_000, () => served(httpsPort, name));
        const next = await eventually('Caddy has renewed', 60_000, async () => {
          const serial = await served(httpsPort, name);
          return serial !== undefined && serial !== first && serial;
        });
        assert.notEqual(next, first);
      } catch (error) {
        throw new Error(said, { cause: error });
      } finally {
        caddy.kill();
        await once(caddy, 'close');
      }
      assert.ok((await statuses(world, name)).length >= 2);
    },
  );
}
