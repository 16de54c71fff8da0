import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initAuthority } from '@countersign/authority';
import type { ExternalKey } from '@countersign/testkit';
import { stopServer } from '../harness/authority.ts';
import { freePort, front, spawnQuietly } from '../harness/front.ts';
import { askLocally, startServer } from '../issuance/process.ts';
import type { AcmeTarget } from './client.ts';

/** A server that offers ACME, in a session of its own. */
export interface AcmeServer {
  readonly name: string;
  readonly target: AcmeTarget;
  readonly session: number;
  stop(): Promise<void>;
}

/** An authority over SQLite; with `vouched` every account has a key of an administrator who vouches for these names. */
export async function startCountersign(
  folder: string,
  httpPort: number,
  vouched?: string,
): Promise<AcmeServer & { readonly data: string }> {
  const data = join(folder, 'data');
  await initAuthority(data, { passphrase: 'bench', rootPassphrase: 'bench' });
  const validation = { allow: ['127.0.0.0/8'], ports: { http: httpPort } };
  const { process: child, enroll } = await startServer('authority', data, {
    enroll: '127.0.0.1:0',
    acme: { validation },
  });
  const wish = { name: 'bench', preauthorized: [vouched] };
  const external = vouched === undefined ? undefined : await askLocally<ExternalKey>(data, '/v1/acme-keys', wish);
  const ca = readFileSync(join(data, 'ca/root.crt'), 'utf8');
  return {
    name: 'countersign',
    data,
    target: { directory: `https://localhost:${enroll}/acme/directory`, ca, external },
    session: child.pid ?? 0,
    stop: () => stopServer(child),
  };
}

/** Caddy's `acme_server` with its local CA. It validates at port 80 and nowhere else. */
export async function startCaddy(folder: string, program: string): Promise<AcmeServer> {
  const port = await freePort();
  const own = join(folder, 'caddy');
  mkdirSync(own);
  const config = {
    admin: { disabled: true },
    logging: { logs: { default: { level: 'ERROR' } } },
    storage: { module: 'file_system', root: own },
    apps: {
      pki: { certificate_authorities: { local: { install_trust: false } } },
      http: {
        servers: {
          acme: {
            listen: [`127.0.0.1:${port}`],
            automatic_https: { disable: true },
            tls_connection_policies: [{}],
            routes: [{ handle: [{ handler: 'acme_server', ca: 'local' }] }],
          },
        },
      },
      tls: {
        certificates: { automate: ['localhost'] },
        automation: { policies: [{ subjects: ['localhost'], issuers: [{ module: 'internal' }] }] },
      },
    },
  };
  const file = join(own, 'config.json');
  writeFileSync(file, JSON.stringify(config));
  const env = { ...process.env, HOME: own, XDG_DATA_HOME: own, XDG_CONFIG_HOME: own };
  const running = await front('Caddy', port, spawnQuietly(program, ['run', '--config', file], env));
  const ca = readFileSync(join(own, 'pki/authorities/local/root.crt'), 'utf8');
  return {
    name: 'Caddy',
    target: { directory: `https://localhost:${port}/acme/local/directory`, ca },
    session: running.session,
    stop: () => running.stop(),
  };
}
