// A TLS listener in this process, and a client to talk to it: what is below every policy.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';
import { createRoot, type TestCa, type TestCertificate } from '@countersign/testkit';
import { caHints, type KeyPair, presentedChain } from '@countersign/trust';
import {
  type Handshake,
  type HandshakeFailure,
  TlsListener,
  type TlsListenerOptions,
} from '../../src/listener/tls-listener.ts';
import { openListenSocket } from '../../src/primary/listen-socket.ts';

const pairOf = (made: TestCertificate): KeyPair => ({ cert: made.chainPem, key: made.keyPem });

/** A running listener and everything it has told. */
export interface ListenerUnderTest extends AsyncDisposable {
  readonly listener: TlsListener;
  readonly port: number;
  readonly handshakes: Handshake[];
  readonly failures: HandshakeFailure[];
  readonly overloads: string[];
  /** The server names that contexts were asked for. */
  readonly names: string[];
}

/** What came of one connection; a handshake that worked is answered with `COUNT RESUMED`: certificates shown, session reused. */
export interface Talk {
  readonly text: string;
  readonly session: Buffer | undefined;
  readonly socket: tls.TLSSocket;
}

/** A CA, its server, and a client whose intermediate nobody knows. */
export interface ListenerPeers {
  readonly ca: TestCa;
  readonly server: KeyPair;
  readonly client: KeyPair;
  readonly start: (extra?: Partial<TlsListenerOptions>) => Promise<ListenerUnderTest>;
  /** Connects as the client and reads to the end. */
  readonly talk: (port: number, options?: tls.ConnectionOptions) => Promise<Talk>;
}

/** Makes the peers of listeners. */
export async function listenerPeers(): Promise<ListenerPeers> {
  const ca = await createRoot('Listener Root');
  const server = pairOf(await ca.issueServer('localhost'));
  const client = pairOf(await (await ca.issueCa('Unknown Intermediate')).issue('alice'));
  return {
    ca,
    server,
    client,
    start: (extra = {}) => startListener(ca, server, extra),
    talk: (port, options = {}) => talk(port, { ca: ca.pem, cert: client.cert, key: client.key, ...options }),
  };
}

async function startListener(
  ca: TestCa,
  server: KeyPair,
  extra: Partial<TlsListenerOptions>,
): Promise<ListenerUnderTest> {
  const bound = await openListenSocket({ host: '127.0.0.1', port: 0 });
  assert.ok(bound.ok);
  const told = {
    handshakes: [] as Handshake[],
    failures: [] as HandshakeFailure[],
    overloads: [] as string[],
    names: [] as string[],
  };
  const listener = new TlsListener({
    handshakeTimeoutMs: 5000,
    maxConnections: 100,
    maxHandshakes: 50,
    ticketKeys: randomBytes(48),
    defaultPair: server,
    defaultHints: caHints([ca.certificate.subject]),
    stapleFor: () => null,
    contextFor: (name) => {
      told.names.push(name);
      return undefined;
    },
    onHandshake: (handshake) => {
      told.handshakes.push(handshake);
      handshake.socket.on('error', () => undefined);
      handshake.socket.end(`${presentedChain(handshake.socket).length} ${handshake.socket.isSessionReused()}`);
    },
    onFailure: (failure) => told.failures.push(failure),
    onOverload: (what) => told.overloads.push(what),
    ...extra,
  });
  await listener.listen(bound.socket.handle);
  return {
    ...told,
    listener,
    port: bound.socket.address.port,
    async [Symbol.asyncDispose]() {
      await listener.stopAccepting(100);
      listener.endHandshakes();
      bound.socket.close();
    },
  };
}

async function talk(port: number, options: tls.ConnectionOptions): Promise<Talk> {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ...options });
  let session: Buffer | undefined;
  let text = '';
  socket.on('session', (made: Buffer) => (session = made));
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, 'close');
  return { text, session, socket };
}
