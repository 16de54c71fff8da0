import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createServer as createHttps } from 'node:https';
import type { Server as HttpsServer, ServerOptions as HttpsOptions } from 'node:https';
import type { RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse, SecureServerOptions } from 'node:http2';
import { createServer as createTls } from 'node:tls';
import type { SecureContextOptions, Server as TlsServer, TlsOptions, TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';

import { caHints, contextOptions, LiveTrust, testPresentedChain, TicketKeys, words } from '@countersign/trust';
import type { Accepted, Identity as PeerIdentity, JudgingPort, StatusAsked, Waited } from '@countersign/trust';

import type { Identity } from '../identity/identity.ts';
import { keyPem } from '../identity/material.ts';
import { followServer } from './follow-server.ts';
import type { Followed } from './follow-server.ts';
import { judgeServer } from './judged-server.ts';
import type { EndedConnection, RefusedConnection } from './judged-server.ts';
import { Peers } from './peers.ts';
import type { PeerConnection } from './peers.ts';
import { RefusingServers } from './refuse-requests.ts';
import { readOptions } from './server-options.ts';
import type { ReadOptions, ServerTrustOptions } from './server-options.ts';
import { TrustFollower } from './trust-follower.ts';

/** What the verdict rests on is the trust's alone. */
type Own =
  | 'key'
  | 'cert'
  | 'pfx'
  | 'ca'
  | 'crl'
  | 'requestCert'
  | 'rejectUnauthorized'
  | 'SNICallback'
  | 'secureContext';

const POLICY = 'sdk';
const TICKETS_MAX_AGE_MS = 12 * 3_600_000;
const TICKETS_MIN_INTERVAL_MS = 60_000;
const TICKETS_LOOK_MS = 60_000;

interface ServerTrustEvents {
  /** Somebody was refused. */
  refused: [RefusedConnection];
  /** A live connection was ended. */
  ended: [EndedConnection];
  /** Somebody came in only because a source of revocation whose news are too old is `soft`; which source. */
  soft: [string];
  /** Something that an operator must hear: a CRL ends, a responder is dead, the feed is lost. */
  problem: [string];
}

let selfTest: Promise<void> | undefined;

/**
 * Who may connect, for servers of this process: each connection is judged by its own certificates, over resumed sessions too, and
 * ends when its verdict no longer stands: on a revocation, at the end of a certificate of its path, when CAs or rules change.
 *
 * @example
 * const trust = await openServerTrust(identity, { authority: { url: 'https://ca.internal:8443' } });
 * const server = trust.createHttpsServer({}, (request, response) => {
 *   response.end(`hello, ${trust.peerOf(request)?.name}`);
 * });
 * server.listen(8443);
 */
export class ServerTrust extends EventEmitter<ServerTrustEvents> {
  readonly #identity: Identity;
  readonly #options: ReadOptions;
  readonly #live: LiveTrust;
  readonly #follower: TrustFollower;
  readonly #tickets: TicketKeys;
  readonly #peers = new Peers();
  readonly #refusing = new RefusingServers();
  readonly #servers = new Map<TlsServer, Followed>();
  readonly #timer: NodeJS.Timeout;
  #allow: ((peer: PeerIdentity) => boolean) | undefined;

  /** Use {@link openServerTrust}. */
  static async open(identity: Identity, options: ServerTrustOptions): Promise<ServerTrust> {
    const read = readOptions(options);
    selfTest ??= testPresentedChain(Date.now());
    await selfTest;
    const trust = new ServerTrust(identity, read);
    try {
      await trust.#follower.start();
      trust.#live.start();
      return trust;
    } catch (error) {
      trust.close();
      throw error;
    }
  }

  private constructor(identity: Identity, options: ReadOptions) {
    super();
    const { now } = options;
    this.#identity = identity;
    this.#options = options;
    this.#allow = options.allow;
    const problem = (message: string): void => void this.emit('problem', message);
    this.#live = new LiveTrust({
      bundles: new Map(options.bundles.map((bundle) => [bundle.name, bundle])),
      policies: [this.#policy()],
      hasFeed: options.authority !== undefined,
      now,
      seed: randomBytes(4).readUInt32LE(),
      onIntermediate: (der) => this.#follower.learn([der]),
      alarm: problem,
      onSoft: (source) => void this.emit('soft', source),
      onDue: (bundle, questions) =>
        void this.#follower.ask(bundle, questions).catch((error: unknown) => problem(words(error))),
    });
    this.#follower = new TrustFollower({
      identity,
      options,
      live: this.#live,
      problem,
      onCas: () => this.#casChanged(),
    });
    this.#tickets = new TicketKeys({
      maxAgeMs: TICKETS_MAX_AGE_MS,
      minIntervalMs: TICKETS_MIN_INTERVAL_MS,
      now: () => performance.now(),
      publish: (keys) => {
        for (const server of this.#servers.keys()) server.setTicketKeys(keys);
      },
    });
    this.#timer = setInterval(() => this.#tickets.renewWhenOld(), TICKETS_LOOK_MS);
    this.#timer.unref();
  }

  /** Number of live connections. */
  get connections(): number {
    return this.#live.register.size;
  }

  /** A server of node:https. Refused connections are answered with the reason (RFC 9457) and never reach the handler. */
  createHttpsServer(options: Omit<HttpsOptions, Own>, handler?: RequestListener): HttpsServer {
    const server = createHttps({ ...options, ...this.#tlsOptions() }, handler);
    this.#judge(server, this.#refusing);
    return server;
  }

  /** A server of node:http2 over TLS; with `allowHTTP1` it speaks both. Refusals as by {@link createHttpsServer}. */
  createHttp2Server(
    options: Omit<SecureServerOptions, Own>,
    handler?: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
  ): Http2SecureServer {
    const server = createSecureServer({ ...options, ...this.#tlsOptions() }, handler);
    this.#judge(server, this.#refusing);
    return server;
  }

  /** A server of node:tls: `secureConnection` is told of admitted connections alone, others are closed without a word. */
  createTlsServer(options: Omit<TlsOptions, Own>, listener?: (socket: TLSSocket) => void): TlsServer {
    const server = createTls({ ...options, ...this.#tlsOptions() }, listener);
    this.#judge(server, undefined);
    return server;
  }

  /**
   * Who is at the other end of a connection, a request or a stream of one of these servers: from the verified path, and never
   * from what else the peer may have sent. Undefined: he has shown no certificate, which `clients: 'optional'` allows.
   *
   * @throws SdkError `connection_unknown`
   */
  peerOf(connection: PeerConnection): PeerIdentity | undefined {
    return this.verdictOf(connection)?.identity;
  }

  /** The verdict that a connection rests on now; see {@link peerOf}. */
  verdictOf(connection: PeerConnection): Accepted | undefined {
    return this.#peers.of(connection).handle?.verdict;
  }

  /** Other rules: connections that they do not admit end. */
  setAllow(allow: ((peer: PeerIdentity) => boolean) | undefined): void {
    this.#allow = allow;
    this.#live.replacePolicies([this.#policy()]);
  }

  /** Resolves when what is to be kept of the state is on disk. */
  settled(): Promise<void> {
    return this.#follower.settled();
  }

  /** Stops following; the servers go on by what is known, until it is too old. Close them first. */
  close(): void {
    clearInterval(this.#timer);
    this.#live.stop();
    this.#follower.stop();
    for (const stop of this.#servers.values()) stop();
    this.#servers.clear();
  }

  #policy() {
    return { id: POLICY, bundles: this.#options.trusted, allow: this.#allow, profile: this.#options.profile } as const;
  }

  #judge(server: TlsServer, refusing: RefusingServers | undefined): void {
    judgeServer(server, {
      judging: this.#judging(),
      policy: () => this.#live.state.policy(POLICY) ?? this.#policy(),
      clients: this.#options.clients,
      peers: this.#peers,
      refusing,
      onRefused: (refused) => void this.emit('refused', refused),
      onEnded: (ended) => void this.emit('ended', ended),
      onUnjudgeable: () => this.#tickets.renewOnRequest(),
    });
    const identity = this.#identity;
    const served = {
      get material() {
        return identity.material;
      },
      tlsOptions: () => this.#contextOptions(),
      on: (event: 'rotated', listener: () => void) => identity.on(event, listener),
      off: (event: 'rotated', listener: () => void) => identity.off(event, listener),
    };
    const followed = followServer(served, server, { staple: this.#options.staple });
    this.#servers.set(server, followed);
    server.once('close', () => {
      this.#servers.delete(server);
      followed();
    });
  }

  #judging(): JudgingPort {
    return {
      trust: this.#live,
      now: this.#options.now,
      askStatus: (asked) => this.#askStatus(asked),
      onStatus: () => undefined,
    };
  }

  /** Who comes too late does not take the question back: the answer serves the next one. */
  async #askStatus({ bundle, questions, withinMs, left }: StatusAsked): Promise<Waited> {
    const asking = this.#follower.ask(bundle, questions, left).then(() => 'told' as const);
    asking.catch(() => undefined);
    const over = new AbortController();
    const late = sleep(withinMs, 'late' as const, { signal: AbortSignal.any([left, over.signal]) }).catch(
      () => 'left' as const,
    );
    try {
      return await Promise.race([asking, late]);
    } catch {
      return 'late';
    } finally {
      over.abort();
    }
  }

  #contextOptions(): SecureContextOptions {
    const { certPem: cert } = this.#identity.material;
    const anchors = this.#options.trusted.flatMap((name) => this.#live.state.bundle(name)?.bundle.anchors ?? []);
    const hints = caHints(anchors.map((anchor) => anchor.name));
    return {
      ...contextOptions({ cert, key: keyPem(this.#identity.material) }, hints),
      ticketKeys: this.#tickets.current,
    };
  }

  #tlsOptions(): TlsOptions {
    // OpenSSL asks for the certificate and never decides.
    return { ...this.#contextOptions(), requestCert: true, rejectUnauthorized: false };
  }

  /** Other CAs make another verdict of the same certificate, and clients are told other names. */
  #casChanged(): void {
    this.#tickets.renew();
    for (const server of this.#servers.keys()) server.setSecureContext(this.#contextOptions());
  }
}

/**
 * Opens what servers of this process judge their clients by; follows the authority's feed, CRLs and OCSP responders until
 * {@link ServerTrust.close}. Resolves when each has been tried once, or after ten seconds.
 *
 * @throws SdkError `server_options`, TrustError `trust_file_…`; Error where this Node does not show what clients present.
 */
export function openServerTrust(identity: Identity, options: ServerTrustOptions): Promise<ServerTrust> {
  return ServerTrust.open(identity, options);
}
