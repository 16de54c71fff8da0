import { Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { ConnectionOptions, SecureContextOptions } from 'node:tls';

import { watchServerStatus } from './server-status.ts';
import type { ServerStatusOptions } from './server-status.ts';

const NOTHING_ASKED: ServerStatusOptions = { demand: 'ignored', roots: [], now: Date.now };

/** What an agent asks of the identity it follows. */
export interface FollowedIdentity {
  tlsOptions(): SecureContextOptions;
  on(event: 'rotated', listener: () => void): unknown;
  /** What is asked of the OCSP responses of servers; absent: nothing. */
  readonly serverStatus?: ServerStatusOptions;
}

/**
 * An https.Agent whose connections follow an identity: after a rotation no request goes out over a connection that showed the
 * old certificate; idle ones are closed at once, busy ones when their request is done.
 *
 * Node's own agent would keep them and go on using them.
 */
export class IdentityAgent extends Agent {
  /** Sockets that were opened with the present identity. */
  #present = new WeakSet<Duplex>();

  readonly #identity: FollowedIdentity;

  constructor(identity: FollowedIdentity) {
    // A resumed session shows no OCSP response: who demands one resumes none.
    const sessions = identity.serverStatus?.demand === 'required' ? { maxCachedSessions: 0 } : {};
    super({ keepAlive: true, ...sessions, ...identity.tlsOptions() });
    this.#identity = identity;
    identity.on('rotated', () => this.#rotate(identity.tlsOptions()));
  }

  override createConnection(...parameters: Parameters<Agent['createConnection']>): Duplex | null | undefined {
    const [options, callback] = parameters;
    const status = this.#identity.serverStatus ?? NOTHING_ASKED;
    const watched = watchServerStatus(options as ConnectionOptions, status);
    const socket = super.createConnection(watched.options, callback);
    if (socket instanceof TLSSocket) watched.watch(socket);
    if (socket !== null && socket !== undefined) this.#present.add(socket);
    return socket;
  }

  override keepSocketAlive(socket: Duplex): boolean {
    // oxlint-disable-next-line typescript/no-unnecessary-condition -- the type says void, node:http reads the answer
    return this.#present.has(socket) && (super.keepSocketAlive(socket) as unknown) !== false;
  }

  #rotate(options: SecureContextOptions): void {
    // The pool is keyed by key and certificate, so what was opened before is not found under the new ones.
    Object.assign(this.options, options);
    this.#present = new WeakSet();
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }
}
