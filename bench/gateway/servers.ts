import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launcher, node, peer } from '@countersign/testkit';
import type { TestCertificate } from '@countersign/testkit';
import { type Front, freePort, front, spawnQuietly } from '../harness/front.ts';
import { type Chain, makeChain } from '../pki/chain.ts';

/** Files and certificates that all servers share. */
export interface Scene {
  readonly folder: string;
  readonly upstreamPort: number;
  readonly client: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly authorities: Pick<Chain, 'root' | 'issuing'>;
}

/** Certificates of one chain of three: what the servers show and trust, and what clients show. */
export async function makeScene(folder: string, upstreamPort: number): Promise<Scene> {
  const { root, issuing, leaf } = await makeChain();
  const server = await issuing.issueServer('localhost');
  const chain = (certificate: TestCertificate): string => certificate.pem + issuing.pem;
  writeFileSync(join(folder, 'ca.pem'), root.pem);
  writeFileSync(join(folder, 'server.crt'), chain(server));
  writeFileSync(join(folder, 'server.key'), server.keyPem, { mode: 0o600 });
  writeFileSync(join(folder, 'server.pem'), chain(server) + server.keyPem, { mode: 0o600 });
  return {
    folder,
    upstreamPort,
    client: { cert: chain(leaf), key: leaf.keyPem, ca: root.pem },
    authorities: { root, issuing },
  };
}

/** Those that this machine has; each with one worker that asks for a client certificate and tells the upstream of it. */
export async function startFronts(scene: Scene): Promise<readonly Front[]> {
  const nginx = peer('nginx');
  const haproxy = peer('haproxy');
  return [
    await startCountersign(scene, 'countersign', 'off'),
    await startCountersign(scene, 'countersign, logging', 'stderr'),
    ...(nginx === undefined ? [] : [await startNginx(scene, nginx)]),
    ...(haproxy === undefined ? [] : [await startHaproxy(scene, haproxy)]),
  ];
}

/** A gateway; `crls` are files of CRLs (DER) that cover the whole chain. */
export async function startCountersign(
  { folder, upstreamPort }: Scene,
  name: string,
  access: string,
  crls: readonly string[] = [],
): Promise<Front> {
  const port = await freePort();
  const config = join(folder, `${name}.json`);
  const host = {
    names: ['localhost'],
    certificate: { files: { cert: 'server.crt', key: 'server.key' } },
    trust: ['bench'],
    allow: [{ name: 'bench' }],
    upstream: `http://127.0.0.1:${upstreamPort}`,
  };
  const revocation =
    crls.length === 0
      ? { staleness: { mode: 'off' } }
      : { revocation: { mode: 'hard', crls: crls.map((file) => ({ file })) } };
  const whole = {
    listeners: [{ listen: `127.0.0.1:${port}`, hosts: [host] }],
    bundles: { bench: { files: ['ca.pem'], ...revocation } },
    workers: 1,
    log: { access },
  };
  writeFileSync(config, JSON.stringify(whole));
  const args = ['--conditions=countersign-source', launcher, 'gateway', '--config', config];
  return front(name, port, spawn(node, args, { detached: true, stdio: 'ignore' }));
}

/** nginx; `crl` is a file of CRLs (PEM) that cover the whole chain. */
export async function startNginx(
  { folder, upstreamPort }: Scene,
  program: string,
  name = 'nginx',
  crl?: string,
): Promise<Front> {
  const port = await freePort();
  const own = join(folder, name.replaceAll(/[^a-z0-9]/gu, '-'));
  mkdirSync(own);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(own, 'nginx.conf'),
    `daemon off; pid ${own}/pid; error_log stderr; worker_processes 1;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000; http2_max_requests 1000000000;
  ${temporary.map((kind) => `${kind}_temp_path ${own}/${kind};`).join(' ')}
  upstream up { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=1024;
    ssl_certificate ${folder}/server.crt; ssl_certificate_key ${folder}/server.key;
    ssl_client_certificate ${folder}/ca.pem; ssl_verify_client on; ssl_verify_depth 3;${crl === undefined ? '' : ` ssl_crl ${crl};`}
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:bench:16m; ssl_session_tickets on;
    location / {
      proxy_pass http://up; proxy_http_version 1.1; proxy_buffering on;
      proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header Client-Cert $ssl_client_escaped_cert;
    }
  }
}
`,
  );
  return front(name, port, spawnQuietly(program, ['-e', 'stderr', '-c', join(own, 'nginx.conf'), '-p', own]));
}

async function startHaproxy({ folder, upstreamPort }: Scene, program: string): Promise<Front> {
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 8192
  tune.ssl.default-dh-param 2048
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind 127.0.0.1:${port} ssl crt ${folder}/server.pem ca-file ${folder}/ca.pem verify required alpn h2,http/1.1 ssl-min-ver TLSv1.2 backlog 1024
  http-request set-header Client-Cert %[ssl_c_der,base64]
  default_backend up
backend up
  server up 127.0.0.1:${upstreamPort} pool-max-conn 64
`,
  );
  return front('HAProxy', port, spawnQuietly(program, ['-db', '-f', file]));
}
