import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { nameToString, parseCsr, pemDecodeOne, verifySignature } from '@countersign/pki';
import { nodeCrypto, sha256Hex } from '@countersign/trust';
import { createRoot } from '@countersign/testkit';
import type { TestCa, TestCertificate } from '@countersign/testkit';

export const root = await createRoot('Authority Root');
export const issuing = await root.issueCa('Authority Issuing', { pathLen: 0 });
export const api = await issuing.issueServer('localhost');

/** Something that listens and goes away with the test. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
}

export async function listen(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a server of ours shows: leaf, intermediates, and the root, by whose fingerprint a client with a token knows it. */
export function serverContext(certificate: TestCertificate, shownRoot: TestCa = root): { key: string; cert: string } {
  return { key: certificate.keyPem, cert: certificate.chainPem + shownRoot.pem };
}

/** A request that the authority got. */
export interface SeenCall {
  readonly path: string;
  readonly authorization: string | undefined;
  /** SHA-256 of the client certificate. */
  readonly client: string | undefined;
  readonly subject: string;
}

export interface FakeAuthority extends Listening {
  readonly url: string;
  readonly seen: SeenCall[];
}

export interface FakeAuthorityOptions {
  readonly shown?: { key: string; cert: string };
  /** The CA that certifies. */
  readonly ca?: TestCa;
  /** Changes the answer. */
  readonly answer?: (answer: Record<string, unknown>) => { status?: number; body: unknown };
}

/** An authority of a few lines, for the two doors that the SDK knocks at; a real one is tried end to end. */
export async function fakeAuthority(options: FakeAuthorityOptions = {}): Promise<FakeAuthority> {
  const seen: SeenCall[] = [];
  const { shown = serverContext(api), ca = issuing } = options;
  const server = createServer(
    { ...shown, requestCert: true, rejectUnauthorized: false },
    (request, response) => void answerCall(request, response, seen, ca, options),
  );
  const listening = await listen(server);
  return { ...listening, seen, url: `https://localhost:${listening.port}` };
}

async function answerCall(
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenCall[],
  ca: TestCa,
  { answer = (body) => ({ body }) }: FakeAuthorityOptions,
): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const { csr: pem } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { csr: string };
  const csr = parseCsr(pemDecodeOne(pem, 'CERTIFICATE REQUEST'));
  if (!verifySignature(csr, csr.spki, nodeCrypto).ok) throw new Error('the request does not prove its key');
  const client = (request.socket as TLSSocket).getPeerX509Certificate();
  seen.push({
    path: request.url ?? '',
    authorization: request.headers.authorization,
    client: client === undefined ? undefined : sha256Hex(client.raw),
    subject: nameToString(csr.subject),
  });
  const key = { spki: csr.spki.der, privateKey: ca.key.privateKey, publicKey: ca.key.publicKey };
  const leaf = await ca.issue('x', { key, subject: csr.subject });
  const { status = 200, body } = answer({
    certificate: leaf.chainPem,
    ca: root.pem,
    serial: leaf.certificate.serialHex,
  });
  response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
  response.end(JSON.stringify(body));
}

/** A token as an authority makes them; nobody but the authority looks at its signature. */
export function token(url: string, changes: Record<string, unknown> = {}): string {
  const payload = {
    iss: url,
    aud: 'countersign-enroll',
    jti: 'one',
    exp: Math.floor(Date.now() / 1000) + 600,
    sub: 'demo',
    profile: 'client',
    sans: [],
    root: sha256Hex(root.der),
    url,
    ...changes,
  };
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'ES256', typ: 'JWT' })}.${part(payload)}.c2lnbmF0dXJl`;
}
