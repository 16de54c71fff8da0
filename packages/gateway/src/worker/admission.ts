import type { TLSSocket } from 'node:tls';
import { judge, type Accepted, type Refused, type Verdict } from '@countersign/trust';
import type { ConnectionHandle, Peer } from '../connection.ts';
import type { HostConfig } from '../config/config.ts';
import { presentedChain } from '../listener/presented-chain.ts';
import type { WorkerTrust } from './worker-trust.ts';

export interface AdmissionOptions {
  readonly trust: WorkerTrust;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Asks the primary for intermediates that other workers know; resolves when they are learnt. */
  readonly askOthers: (leaf: Uint8Array) => Promise<void>;
  readonly onRefused: (code: string) => void;
  readonly onEnded: (code: string) => void;
}

/** What came of judging a connection. */
export type Admission =
  | {
      readonly kind: 'serve';
      readonly peer: Peer;
      /** The connection is served: it ends when the verdict no longer stands. */
      attach(connection: ConnectionHandle): void;
      /** The connection has gone before it was served. */
      abandon(): void;
    }
  /** A resumed session's leaf that nobody can judge: close, and make full handshakes necessary. */
  | { readonly kind: 'unjudgeable' };

/**
 * Judges who is at the other end of a connection that has just finished its handshake. The certificates are read here, once,
 * and nowhere again; a resumed session is judged as a new one is, under the policy that its server name selects now.
 *
 * @param host - that policy
 */
export async function admit(socket: TLSSocket, host: HostConfig, options: AdmissionOptions): Promise<Admission> {
  const presented = presentedChain(socket);
  if (presented.length === 0) return serve({ kind: 'none' });
  const resumed = socket.isSessionReused();
  const { state } = options.trust;
  const policy = state.policy(host.key);
  if (policy === undefined) throw new Error(`no policy ${host.key}`);
  let verdict: Verdict = judge({ presented, resumed }, policy, state, options.now());
  if (!verdict.ok && verdict.incomplete === true) {
    await options.askOthers(presented[0] ?? new Uint8Array());
    verdict = judge({ presented, resumed }, policy, state, options.now());
    if (!verdict.ok && verdict.incomplete === true && isUnknown(presented, options)) return { kind: 'unjudgeable' };
  }
  return verdict.ok ? register(verdict, host, options) : refused(verdict, options);
}

/**
 * Whether no bundle at all has a path for a leaf. Where another bundle than the policy's has one, nothing is missing: the client
 * is simply not wanted here, and must not be able to make everybody's next handshake a full one.
 */
function isUnknown(presented: readonly Uint8Array[], { trust, now }: AdmissionOptions): boolean {
  const anyBundle = { id: 'any bundle', bundles: trust.bundleNames };
  const verdict = judge({ presented, resumed: true }, anyBundle, trust.state, now());
  return !verdict.ok && verdict.incomplete === true;
}

function register(verdict: Accepted, host: HostConfig, options: AdmissionOptions): Admission {
  let connection: ConnectionHandle | undefined;
  const registration = options.trust.register.add(verdict, host.key, (reason) => {
    options.onEnded(reason);
    connection?.kill(reason);
  });
  if (!registration.ok) return refused(registration, options);
  const { handle } = registration;
  return {
    kind: 'serve',
    peer: { kind: 'accepted', identity: verdict.identity, handle },
    attach(made) {
      connection = made;
      if (handle.ended !== undefined) made.kill(handle.ended);
      void made.closed.then(() => handle.close());
    },
    abandon: () => handle.close(),
  };
}

function refused(verdict: Refused, options: AdmissionOptions): Admission {
  options.onRefused(verdict.code);
  const { code, detail, mend, identity } = verdict;
  return serve({ kind: 'refused', code, detail, mend, identity });
}

function serve(peer: Peer): Admission {
  return { kind: 'serve', peer, attach: () => undefined, abandon: () => undefined };
}
