import { randomUUID } from 'node:crypto';
import { constants } from 'node:http2';
import type { Http2Session } from 'node:http2';
import type { Server, TLSSocket } from 'node:tls';

import { judgeConnection } from '@countersign/trust';
import type { Accepted, JudgingPort, LiveHandle, Refused, VerdictCode, VerdictPolicy } from '@countersign/trust';

import type { Peers } from './peers.ts';
import type { RefusingServers } from './refuse-requests.ts';

/** A GOAWAY, and what is on its way, has this long to arrive. */
const GOAWAY_MS = 1000;

/** A connection that was not admitted. */
export interface RefusedConnection {
  readonly code: VerdictCode;
  /** The cause in words: for the operator, not for the peer. */
  readonly detail: string;
  readonly mend: string;
  /** What the peer is told beside the code. */
  readonly correlationId: string;
  readonly remoteAddress: string | undefined;
  /** Who was refused, as far as it could be read: not to be believed. */
  readonly identity: Refused['identity'];
}

/** A live connection that was ended, because its verdict no longer stands. */
export interface EndedConnection {
  readonly code: VerdictCode;
  readonly correlationId: string;
  readonly verdict: Accepted;
}

export interface JudgedServerPort {
  readonly judging: JudgingPort;
  readonly policy: () => VerdictPolicy;
  /** Whether who shows no certificate comes in, as nobody. */
  readonly clients: 'required' | 'optional';
  readonly peers: Peers;
  /** What answers requests of those who are refused; undefined: the protocol has no answers, and the connection is closed. */
  readonly refusing: RefusingServers | undefined;
  readonly onRefused: (refused: RefusedConnection) => void;
  readonly onEnded: (ended: EndedConnection) => void;
  /** A resumed session could not be judged: full handshakes are needed. */
  readonly onUnjudgeable: () => void;
}

/**
 * Puts the verdict before everything that listens to a server's connections: `secureConnection` is told of those alone that were
 * admitted, whoever listens and whenever he began to. Everything else that happens here closes the connection.
 */
export function judgeServer(server: Server, port: JudgedServerPort): void {
  const tell = server.emit.bind(server) as (event: string, ...values: unknown[]) => boolean;
  /** The connection that is being handed over: HTTP/2 makes its session within. */
  let handing: { readonly socket: TLSSocket; readonly live: Live } | undefined;

  const hand = (socket: TLSSocket, live: Live): void => {
    handing = { socket, live };
    try {
      tell('secureConnection', socket);
    } finally {
      handing = undefined;
    }
  };

  server.emit = ((event: string, ...values: unknown[]): boolean => {
    const [value] = values;
    if (event === 'session' && value instanceof Object && handing !== undefined) {
      handing.live.useSession(value as Http2Session, port.peers);
    }
    if (event !== 'secureConnection') return tell(event, ...values);
    void admit(value as TLSSocket, port, hand);
    return true;
  }) as Server['emit'];
}

async function admit(
  socket: TLSSocket,
  port: JudgedServerPort,
  hand: (socket: TLSSocket, live: Live) => void,
): Promise<void> {
  const correlationId = randomUUID();
  const { remoteAddress } = socket;
  // Until the application has it, an error of the socket has nobody to go to.
  const ignore = (): void => undefined;
  socket.on('error', ignore);
  const refuse = ({ code, detail, mend, identity }: Refused): void => {
    port.onRefused({ code, detail, mend, identity, correlationId, remoteAddress });
    if (port.refusing === undefined || socket.destroyed) socket.destroy();
    else port.refusing.take(socket, { code, correlationId });
  };
  try {
    const policy = port.policy();
    const judgement = await judgeConnection(socket, policy, port.judging);
    if (judgement.kind === 'unjudgeable') {
      port.onUnjudgeable();
      socket.destroy();
      return;
    }
    const live = new Live(socket, correlationId, port);
    if (judgement.kind === 'none' && port.clients === 'optional') {
      port.peers.add(socket, { correlationId, handle: undefined });
    } else {
      const verdict = judgement.kind === 'none' ? NO_CERTIFICATE : judgement.verdict;
      const refused = verdict.ok ? live.register(verdict, policy.id) : verdict;
      if (refused !== undefined) {
        refuse(refused);
        return;
      }
    }
    // Gone, or ended, while it was judged.
    if (socket.destroyed) {
      live.close();
      return;
    }
    socket.off('error', ignore);
    hand(socket, live);
  } catch {
    // Whatever goes wrong here, the connection is not served: fail closed.
    socket.destroy();
  }
}

const NO_CERTIFICATE: Refused = {
  ok: false,
  code: 'no_certificate',
  detail: 'no client certificate was presented',
  mend: 'Present a client certificate of a CA that this service trusts, together with its private key.',
};

/** An admitted connection, for as long as its verdict stands. */
class Live {
  readonly #socket: TLSSocket;
  readonly #correlationId: string;
  readonly #port: JudgedServerPort;
  #handle: LiveHandle | undefined;
  #session: Http2Session | undefined;

  constructor(socket: TLSSocket, correlationId: string, port: JudgedServerPort) {
    this.#socket = socket;
    this.#correlationId = correlationId;
    this.#port = port;
  }

  /** @returns why it is not admitted, if what has changed since the verdict says so. */
  register(verdict: Accepted, policyId: string): Refused | undefined {
    const registration = this.#port.judging.trust.register.add(verdict, policyId, (code) => this.#end(code));
    if (!registration.ok) return registration;
    const { handle } = registration;
    this.#handle = handle;
    this.#socket.once('close', () => handle.close());
    this.#port.peers.add(this.#socket, { correlationId: this.#correlationId, handle });
    return undefined;
  }

  useSession(session: Http2Session, peers: Peers): void {
    this.#session = session;
    const peer = { correlationId: this.#correlationId, handle: this.#handle };
    peers.add(session, peer);
    // A stream outlives its session in the hands of a handler.
    session.on('stream', (stream) => peers.add(stream, peer));
  }

  close(): void {
    this.#handle?.close();
  }

  #end(code: VerdictCode): void {
    const session = this.#session;
    if (session === undefined || session.destroyed) this.#socket.destroy();
    else goAway(session, this.#socket);
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#port.onEnded({ code, correlationId: this.#correlationId, verdict: handle.verdict });
  }
}

/** GOAWAY, and nothing behind it: a session that is closed ends its socket after that, one that is not would cut it off. */
function goAway(session: Http2Session, socket: TLSSocket): void {
  const timer = setTimeout(() => socket.destroy(), GOAWAY_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  session.close();
  session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
}
