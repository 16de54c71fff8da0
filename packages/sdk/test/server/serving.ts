import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:tls';

import { createRoot, type TemporaryFolder, type TestCertificate } from '@countersign/testkit';

import { createIdentity, openServerTrust, type Identity, type ServerTrust } from '../../src/index.ts';
import type { ServerTrustOptions } from '../../src/index.ts';

export const root = await createRoot('Judging Root');
export const issuing = await root.issueCa('Judging Issuing');
export const shown = await issuing.issueServer('localhost', '127.0.0.1');
export const [good, bad] = [await issuing.issue('good'), await issuing.issue('bad')];
export const stranger = await (await createRoot('Strangers')).issue('stranger');

export interface Files {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export function filesOf(folder: TemporaryFolder, name: string, certificate: TestCertificate): Files {
  const { cert, key } = certificate.write(folder.path, name);
  writeFileSync(folder.in('ca.crt'), root.pem);
  return { cert, key, ca: folder.in('ca.crt') };
}

/** Writes the CRLs of all CAs into files, atomically, as whoever publishes does. */
export async function publish(
  folder: TemporaryFolder,
  revoked: readonly TestCertificate[],
  number: number,
): Promise<void> {
  const write = (name: string, der: Uint8Array): void => {
    writeFileSync(folder.in(`${name}.new`), der);
    renameSync(folder.in(`${name}.new`), folder.in(name));
  };
  write('root.crl', await root.crl({ number }));
  write('issuing.crl', await issuing.crl({ revoked, number }));
}

export const crlFiles = (folder: TemporaryFolder): ServerTrustOptions => ({
  revocation: { crls: [{ file: folder.in('root.crl') }, { file: folder.in('issuing.crl') }] },
});

export interface Heard {
  readonly refused: string[];
  readonly ended: string[];
  readonly soft: string[];
  readonly problems: string[];
}

export interface Serving extends AsyncDisposable {
  readonly identity: Identity;
  readonly trust: ServerTrust;
  readonly heard: Heard;
  /** Opens a server to connections. */
  listen(server: Server | TlsServer): Promise<number>;
}

export async function serving(options: ServerTrustOptions, certificate: TestCertificate = shown): Promise<Serving> {
  const pem = { cert: certificate.chainPem, key: certificate.keyPem, ca: root.pem };
  const identity = await createIdentity(pem);
  const trust = await openServerTrust(identity, options);
  const heard: Heard = { refused: [], ended: [], soft: [], problems: [] };
  trust.on('refused', ({ code }) => heard.refused.push(code));
  trust.on('ended', ({ code }) => heard.ended.push(code));
  trust.on('soft', (source) => heard.soft.push(source));
  trust.on('problem', (problem) => heard.problems.push(problem));
  const servers: TlsServer[] = [];
  return {
    identity,
    trust,
    heard,
    async listen(server) {
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.close();
        if ('closeAllConnections' in server) (server as Server).closeAllConnections();
      }
      trust.close();
      identity.close();
      await Promise.resolve();
    },
  };
}

/** An HTTPS server that greets its client by name, and tells how many requests have reached it. */
export async function greeting(options: ServerTrustOptions) {
  const made = await serving(options);
  let requests = 0;
  const server = made.trust.createHttpsServer({}, (request, response) => {
    requests += 1;
    let length = 0;
    request.on('data', (chunk: Buffer) => (length += chunk.length));
    request.on('end', () => response.end(`hello ${made.trust.peerOf(request)?.name ?? 'nobody'} ${length}`));
  });
  return { ...made, port: await made.listen(server), requests: () => requests };
}
