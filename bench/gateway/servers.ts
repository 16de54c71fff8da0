import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { launcher, node, peer } from '@countersign/testkit';
import type { TestCertificate } from '@countersign/testkit';
import { makeChain } from '../pki/chain.ts';

/** Files and certificates that all servers share. */
export interface Scene {
  readonly folder: string;
  readonly upstreamPort: number;
  readonly client: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** A server that stands in front of the upstream, in a session of its own. */
export interface Front {
  readonly name: string;
  readonly port: number;
  readonly session: number;
  stop(): Promise<void>;
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
  return { folder, upstreamPort, client: { cert: chain(leaf), key: leaf.keyPem, ca: root.pem } };
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

async function startCountersign({ folder, upstreamPort }: Scene, name: string, access: string): Promise<Front> {
  const port = await freePort();
  const config = join(folder, `gateway-${access}.json`);
  const host = {
    names: ['localhost'],
    certificate: { files: { cert: 'server.crt', key: 'server.key' } },
    trust: ['bench'],
    allow: [{ name: 'bench' }],
    upstream: `http://127.0.0.1:${upstreamPort}`,
  };
  const whole = {
    listeners: [{ listen: `127.0.0.1:${port}`, hosts: [host] }],
    bundles: { bench: { files: ['ca.pem'], staleness: { mode: 'off' } } },
    workers: 1,
    log: { access },
  };
  writeFileSync(config, JSON.stringify(whole));
  const args = ['--conditions=countersign-source', launcher, 'gateway', '--config', config];
  return front(name, port, spawn(node, args, { detached: true, stdio: 'ignore' }));
}

async function startNginx({ folder, upstreamPort }: Scene, program: string): Promise<Front> {
  const port = await freePort();
  const own = join(folder, 'nginx');
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
    ssl_client_certificate ${folder}/ca.pem; ssl_verify_client on; ssl_verify_depth 3;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:bench:16m; ssl_session_tickets on;
    location / {
      proxy_pass http://up; proxy_http_version 1.1; proxy_buffering on;
      proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header Client-Cert $ssl_client_escaped_cert;
    }
  }
}
`,
  );
  return front('nginx', port, spawnQuietly(program, ['-e', 'stderr', '-c', join(own, 'nginx.conf'), '-p', own]));
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

function spawnQuietly(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, { detached: true, stdio: 'ignore' });
}

async function front(name: string, port: number, child: ChildProcess): Promise<Front> {
  const session = child.pid;
  if (session === undefined) throw new Error(`${name} does not start`);
  const gone = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const late = setTimeout(() => process.kill(-session, 'SIGKILL'), 5000);
    await gone;
    clearTimeout(late);
  };
  await listening(name, port, child);
  return { name, port, session, stop };
}

async function listening(name: string, port: number, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${name} does not listen`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
