import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initAuthority } from '@countersign/authority';
import { buildOcspRequest, fromHex, parseCertificate, parseOcspResponse, pemDecode } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import type { TemporaryFolder } from '@countersign/testkit';
import { nodeCrypto } from '@countersign/trust';
import { firstMessage, forkServer, startBenchAuthority, stopServer } from '../harness/authority.ts';
import { sessionCost } from '../harness/session-cost.ts';
import type { SessionCost } from '../harness/session-cost.ts';
import { fillStore, serialsOfStore } from './fill-store.ts';
import type { Posted, PostOrder } from './http-load.ts';
import { startOpensslOcsp } from './openssl-ocsp.ts';

/** Somebody who answers what is posted. */
export interface OcspServer {
  readonly name: string;
  readonly order: Omit<PostOrder, 'milliseconds'>;
  cost(): SessionCost;
  /** Whether an answer is what it should be. */
  check(body: Uint8Array): boolean;
  stop(): Promise<void>;
}

/** How many certificates are asked about in turn. */
const certificates = 1000;
const connections = 16;
const contentType = 'application/ocsp-request';

export const cached = 'countersign, signed before';
export const withNonce = 'countersign, with a nonce';
export const emptyPost = 'an empty POST to node:http';
export const signingPost = 'the same, and a signature with P-256';
export const opensslP256 = 'openssl ocsp, P-256';

/** The authority, asked with and without nonces; a server that does nothing; openssl's responder. */
export async function startOcspServers(folder: TemporaryFolder): Promise<readonly OcspServer[]> {
  const data = folder.in('data');
  await initAuthority(data, { passphrase: 'bench', rootPassphrase: 'bench', publicHttp: 'http://ca.example' });
  fillStore(data, { count: certificates, revoked: false, prefix: 'asked-' });
  const issuer = issuingOf(data);
  const serials = serialsOfStore(data, 'asked-');
  const plain = writeBodies(folder.in('plain'), serials, issuer, false);
  const nonces = writeBodies(folder.in('nonces'), serials, issuer, true);
  const authority = await startBenchAuthority(data);
  const check = (body: Uint8Array): boolean => parseOcspResponse(body).status === 'successful';
  const ours = (name: string, bodies: string): OcspServer => ({
    name,
    order: { port: authority.http, path: '/ocsp', contentType, bodies, connections, keptAlive: true },
    cost: () => authority.cost(),
    check,
    stop: () => authority.stop(),
  });
  const openssl = [await startOpensslOcsp(folder, 'p256'), await startOpensslOcsp(folder, 'rsa2048')];
  return [
    ours(cached, plain),
    ours(withNonce, nonces),
    await startEmpty(emptyPost, plain),
    await startEmpty(signingPost, plain),
    ...openssl.filter((one) => one !== undefined),
  ];
}

async function startEmpty(name: string, bodies: string): Promise<OcspServer> {
  const child = forkServer(new URL('./empty-post.ts', import.meta.url), name === signingPost ? ['sign'] : []);
  const port = await firstMessage<number>(child);
  return {
    name,
    order: { port, path: '/ocsp', contentType, bodies, connections, keptAlive: true },
    cost: () => sessionCost(child.pid ?? 0),
    check: (body) => body.length === 0,
    stop: () => stopServer(child),
  };
}

function issuingOf(data: string): Certificate {
  const [block] = pemDecode(readFileSync(join(data, 'ca/issuing-1.crt'), 'utf8'));
  if (block === undefined) throw new Error('there is no issuing CA');
  return parseCertificate(block.der);
}

function writeBodies(file: string, serials: readonly string[], issuer: Certificate, nonce: boolean): string {
  const bodies = serials.map((serial) => {
    const certificate = { serialNumber: fromHex(serial), issuer: issuer.subject };
    const options = nonce ? { nonce: randomBytes(32) } : {};
    return Buffer.from(buildOcspRequest([certificate], issuer, nodeCrypto, options)).toString('base64');
  });
  writeFileSync(file, bodies.join('\n'));
  return file;
}

/** Starts the process that asks. */
export function startLoad(): ChildProcess {
  return fork(join(import.meta.dirname, 'http-load.ts'));
}

/** Has a server asked for so long. */
export async function post(load: ChildProcess, server: OcspServer, milliseconds: number): Promise<Posted> {
  const { promise, resolve, reject } = Promise.withResolvers<Posted>();
  const gone = (): void => reject(new Error(`the load on ${server.name} has failed`));
  load.once('exit', gone);
  load.once('message', (posted) => resolve(posted as Posted));
  load.send({ ...server.order, milliseconds } satisfies PostOrder);
  const posted = await promise;
  load.off('exit', gone);
  if (!server.check(Buffer.from(posted.last, 'base64'))) throw new Error(`${server.name} does not answer as it should`);
  return posted;
}
