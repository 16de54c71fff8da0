import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContext,
  type Server as TlsServer,
  type TLSSocket,
} from 'node:tls';
import { contextOptions, emptyAcceptQueue, type KeyPair, serverOptions } from '@countersign/trust';
import { answerPlaintext, isPlaintextHttp } from './plaintext.ts';

/** A TLS connection after its handshake, before anything is read from it. */
export interface Handshake {
  /** Base of the connection's correlation ids. */
  readonly id: string;
  readonly socket: TLSSocket;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** A handshake that failed: OpenSSL refused it, or it took too long, or the bytes were none of TLS. */
export interface HandshakeFailure {
  readonly id: string;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** OpenSSL's or Node's code. */
  readonly code: string;
  /** In OpenSSL's words; may hold what the peer sent, so it is escaped before it is logged. */
  readonly detail: string;
}

export interface TlsListenerOptions {
  readonly handshakeTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxHandshakes: number;
  /** 48 bytes, shared by all workers. */
  readonly ticketKeys: Buffer;
  readonly defaultPair: KeyPair;
  readonly defaultHints: readonly Buffer[];
  /** The context for a server name as it was sent; undefined: the default. Must not throw, and a throw is the default too. */
  readonly contextFor: (serverName: string) => SecureContext | undefined;
  /** The OCSP response for a certificate (DER) that a client asks for; null: none. Must not throw, and a throw is none. */
  readonly stapleFor: (certificate: Uint8Array) => Buffer | null;
  readonly onHandshake: (handshake: Handshake) => void;
  readonly onFailure: (failure: HandshakeFailure) => void;
  /** A connection was closed before its handshake because there are too many. */
  readonly onOverload: (what: 'connections' | 'handshakes') => void;
}

/** TLSSocket keeps the socket below it; Node has no public name for it. */
type WithParent = TLSSocket & { readonly _parent?: Socket };

/**
 * One listener of a worker: accepts from the socket that the primary holds, does the TLS handshake, and hands the connection
 * over. It knows nothing of policies: who the peer is, and whether he may come in, is judged by what it hands over to.
 */
export class TlsListener {
  readonly #options: TlsListenerOptions;
  readonly #acceptor: Server;
  readonly #tls: TlsServer;
  readonly #pending = new Map<Socket, string>();
  #ticketKeys: Buffer;
  #connections = 0;

  constructor(options: TlsListenerOptions) {
    this.#options = options;
    this.#ticketKeys = options.ticketKeys;
    this.#tls = createTlsServer({
      ...contextOptions(options.defaultPair, options.defaultHints),
      ...serverOptions(options.handshakeTimeoutMs),
      ticketKeys: options.ticketKeys,
      SNICallback: (serverName, callback) => callback(null, this.#select(serverName)),
    });
    // Once for each full handshake that asks; a resumed one shows no certificate and so no response either.
    this.#tls.on('OCSPRequest', (certificate, _issuer, callback) => callback(null, this.#stapleFor(certificate)));
    this.#tls.on('secureConnection', (socket) => this.#secured(socket));
    this.#tls.on('tlsClientError', (error, socket) => this.#failed(error, socket));
    this.#acceptor = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) =>
      this.#accepted(socket),
    );
    this.#acceptor.maxConnections = options.maxConnections;
    this.#acceptor.on('drop', () => options.onOverload('connections'));
  }

  /** Connections that are open, those in their handshake included. */
  get connections(): number {
    return this.#connections;
  }

  /** Handshakes under way. */
  get handshakes(): number {
    return this.#pending.size;
  }

  /**
   * Accepts from a socket that is bound already.
   *
   * @param handle - as it came from the primary
   */
  async listen(handle: object): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#acceptor.once('error', reject);
    this.#acceptor.listen({ _handle: handle } as object, () => {
      this.#acceptor.off('error', reject);
      // An error of accept() (no more descriptors) is no reason to end the worker.
      this.#acceptor.on('error', () => options.onOverload('connections'));
      resolve();
    });
    const options = this.#options;
    await promise;
  }

  /** New ticket keys: sessions of the old ones are not resumed any more. */
  setTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys;
    this.#tls.setTicketKeys(keys);
  }

  /** Another certificate for those who ask for no name; connections and tickets live on. */
  setDefault(pair: KeyPair, hints: readonly Buffer[]): void {
    this.#tls.setSecureContext(contextOptions(pair, hints));
    this.#tls.setTicketKeys(this.#ticketKeys);
  }

  /** Stops accepting, but for what the kernel has accepted already. */
  async stopAccepting(boundMs: number): Promise<void> {
    if (!this.#acceptor.listening) return;
    await emptyAcceptQueue(this.#acceptor, boundMs);
    this.#acceptor.close();
  }

  /** Ends the handshakes of those that have not said a word since they connected. */
  endSilent(): void {
    for (const socket of this.#pending.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  /** Ends the handshakes that are under way. */
  endHandshakes(): void {
    for (const socket of this.#pending.keys()) socket.destroy();
  }

  #select(serverName: string): SecureContext | undefined {
    try {
      return this.#options.contextFor(serverName);
    } catch {
      return undefined;
    }
  }

  #stapleFor(certificate: Buffer): Buffer | null {
    try {
      return this.#options.stapleFor(certificate);
    } catch {
      return null;
    }
  }

  #accepted(socket: Socket): void {
    if (this.#pending.size >= this.#options.maxHandshakes) {
      this.#options.onOverload('handshakes');
      socket.destroy();
      return;
    }
    this.#connections += 1;
    this.#pending.set(socket, randomUUID());
    socket.once('close', () => {
      this.#connections -= 1;
      this.#pending.delete(socket);
    });
    this.#tls.emit('connection', socket);
  }

  #settle(socket: TLSSocket): { id: string; raw: Socket | undefined } {
    const raw = (socket as WithParent)._parent;
    const id = raw === undefined ? undefined : this.#pending.get(raw);
    if (raw !== undefined) this.#pending.delete(raw);
    return { id: id ?? randomUUID(), raw };
  }

  #secured(socket: TLSSocket): void {
    const { id } = this.#settle(socket);
    const { remoteAddress, remotePort } = socket;
    // Gone already: there is nobody to judge.
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    this.#options.onHandshake({ id, socket, remoteAddress, remotePort });
  }

  #failed(error: Error & { code?: string }, socket: TLSSocket): void {
    const { id, raw } = this.#settle(socket);
    const code = error.code ?? 'ERR_TLS_HANDSHAKE';
    this.#options.onFailure({
      id,
      remoteAddress: raw?.remoteAddress,
      remotePort: raw?.remotePort,
      code,
      detail: error.message,
    });
    if (raw !== undefined && isPlaintextHttp(code)) answerPlaintext(raw, id);
    else raw?.destroy();
  }
}
